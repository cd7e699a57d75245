import { connect, createServer, type Server, type Socket } from "node:net";
import type { TestServer } from "./test-server.ts";

/** A way to a server on which nothing comes through while it is frozen, as with a stopped process. */
export interface Gate {
  readonly url: string;
  freeze(): void;
  thaw(): void;
  /** Connections from now on lead to another server; those that are open stay where they are. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** Starts one on the loopback interface. */
export async function startGate(server: Pick<TestServer, "port" | "url">): Promise<Gate> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let { port: target } = server;
  const apply = (socket: Socket) => (frozen ? socket.pause() : socket.resume());
  const listener: Server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
      from.on("data", (chunk) => to.write(chunk));
      apply(from);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const set = (value: boolean) => {
    frozen = value;
    for (const socket of sockets) apply(socket);
  };
  return {
    url: server.url.replace(`:${server.port}/`, `:${port}/`),
    freeze: () => set(true),
    thaw: () => set(false),
    leadTo(to) {
      target = to;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
