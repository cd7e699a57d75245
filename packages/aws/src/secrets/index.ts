export { ConnectionSecret, type ConnectionSecretOptions, createConnectionSecret } from "./connection-secret.ts";
