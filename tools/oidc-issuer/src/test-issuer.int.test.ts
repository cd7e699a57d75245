import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { findFreePort } from "./test-issuer.ts";

it("finds a free port that the system does not assign to servers without a fixed one", async () => {
  const port = await findFreePort();

  const others = Array.from({ length: 20 }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(others.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const given = others.map((server) => (server.address() as AddressInfo).port);
  for (const server of others) server.close();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  server.close();
  expect(port).toBeLessThan(Math.min(...given));
});
