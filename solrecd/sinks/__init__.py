"""Where lines and events leave: each sink drains its own bounded buffer."""
