export type { ApiAnswers } from "./api-answers.ts";
export { ensureToken } from "./auth/ensure-token.ts";
export type { OperatorToken } from "./auth/tokens.ts";
export { createServer, type Server } from "./create-server.ts";
export { isLoopbackHost } from "./loopback-host.ts";
export type { ServerDeps, ServerLimits, ServerOptions } from "./server-options.ts";
