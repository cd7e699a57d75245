export type { YardPlace } from "./create-mcp-server.ts";
export { createMcpDoor, type DoorInput } from "./http-door.ts";
export { type OpenYardPlace, type StdioOptions, serveStdio } from "./serve-stdio.ts";
export type { Tool, ToolAnswer, ToolContext } from "./tool.ts";
export { TOOLS } from "./tools.ts";
