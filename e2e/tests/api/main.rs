//! Schemas and controllers against an API server without nodes.

mod api_server;
