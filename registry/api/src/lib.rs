//! Wire types of the management API and, with the feature client, its typed client.
