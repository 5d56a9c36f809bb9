"""What a training step minimises: functions from a network and a batch to a Loss."""
