export { checkIssuer } from "./access/issuer-client.ts";
export { createServer, type Server } from "./create-server.ts";
export { createEditServer, type EditServer, type EditServerOptions } from "./edit-server.ts";
export { ensureSecret, ensureToken } from "./ensure-token.ts";
export type { ApiAnswers } from "./http/openapi.ts";
export {
  type ArtifactsClient,
  type ConsoleFile,
  type ConsoleFiles,
  isLoopbackHost,
  type McpDoor,
  type McpInput,
  type OperatorToken,
  type ServerDeps,
  type ServerLimits,
  type ServerOptions,
} from "./server-options.ts";
