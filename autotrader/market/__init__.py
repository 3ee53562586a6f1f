"""What is known of a market: instruments, candles, order books, snapshots, needs and indicators. Pure."""
