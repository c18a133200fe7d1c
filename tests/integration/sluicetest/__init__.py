"""sluicetest - real processes for the integration tests: PostgreSQL, Sluice's programs, clients."""
