"""Parts of networks: attention, feed-forward, norms, positions, recurrence, dropout, the fused vocabulary loss. Needs torch."""
