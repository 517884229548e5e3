//! Schemas and controllers against an API server without nodes.

mod api_server;
mod crd_corpus;
mod operator_definitions;
mod operator_harness;
mod operator_leader;
mod operator_objects;
mod operator_projects;
mod operator_registry;
mod operator_settled;
mod pretended_nodes;
