import { createConnection, createServer, type Socket } from "node:net";

/** The only way by which one instance of a function reaches anything. */
export interface WayOut {
  /** The function's environment, in which every address leads through here. */
  readonly environment: Readonly<Record<string, string>>;
  /** Closes every connection and accepts no new ones, as if the instance were killed. */
  cut(): void;
}

const ADDRESS = /^(AWS_ENDPOINT_URL(_[A-Z0-9_]+)?|DATABASE_URL)$/;

/**
 * Opens a way out for the addresses in an environment. Code in this process cannot be killed; cutting its way out leaves it
 * as harmless, in the middle of whatever call it is in.
 */
export async function openWayOut(environment: Readonly<Record<string, string>>): Promise<WayOut> {
  const doors = new Map<string, Promise<Door>>();
  const led = Object.entries(environment).map(async ([name, value]) => {
    if (!ADDRESS.test(name)) return [name, value] as const;
    const url = new URL(value);
    const door = doors.get(url.host) ?? openDoor(url);
    doors.set(url.host, door);
    return [name, value.replace(url.host, `127.0.0.1:${(await door).port}`)] as const;
  });
  const entries = await Promise.all(led);
  const open = await Promise.all(doors.values());
  return {
    environment: Object.fromEntries(entries),
    cut: () => {
      for (const door of open) door.cut();
    },
  };
}

interface Door {
  readonly port: number;
  cut(): void;
}

async function openDoor({ hostname, port, protocol }: URL): Promise<Door> {
  const sockets = new Set<Socket>();
  const target = { host: hostname, port: Number(port || (protocol === "postgres:" ? 5432 : 80)) };
  const server = createServer((inner) => join(inner, createConnection(target), sockets));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: ownPort } = Object(server.address());
  return {
    port: ownPort,
    cut() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function join(inner: Socket, outer: Socket, sockets: Set<Socket>): void {
  const pairs = [
    [inner, outer],
    [outer, inner],
  ] as const;
  for (const [one, other] of pairs) {
    sockets.add(one);
    one.setNoDelay(true);
    one.on("error", () => other.destroy());
    one.on("close", () => {
      sockets.delete(one);
      // What was said to the end is piped to the end.
      if (!one.readableEnded) other.destroy();
    });
    one.pipe(other);
  }
}
