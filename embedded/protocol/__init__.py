"""What clients send and get: WebSocket messages, parameter binding, REST."""
