export {
  ConnectionSecret,
  type ConnectionSecretOptions,
  createConnectionSecret,
  loadSecretText,
} from "./connection-secret.ts";
