"""What commands share: names, times, tables, where answers come from."""
