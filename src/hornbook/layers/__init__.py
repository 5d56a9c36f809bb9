"""Parts of networks: attention, feed-forward, norms, positions, recurrence, dropout, and the fused vocabulary loss. torch only."""
