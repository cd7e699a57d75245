export type { ApiAnswers } from "./api-answers.ts";
export { createServer, type Server } from "./create-server.ts";
export { ensureToken } from "./ensure-token.ts";
export { isLoopbackHost } from "./loopback-host.ts";
export type { OperatorToken, ServerDeps, ServerLimits, ServerOptions } from "./server-options.ts";
