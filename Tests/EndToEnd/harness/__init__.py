"""What the end-to-end tests are made of: processes, certificates, configurations, clients and origins."""
