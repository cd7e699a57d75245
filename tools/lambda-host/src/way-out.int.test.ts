import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWayOut } from "./way-out.ts";

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url !== "/hangs") response.end(`hello ${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function ask(address: string | undefined): Promise<string> {
  const response = await fetch(`${address}`);
  return response.text();
}

describe("a way out", () => {
  it("leads to what the environment names, and leaves other variables alone", async () => {
    const way = await openWayOut({ AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_SQS: url, SQS_TASK_QUEUE_URL: `${url}/q` });

    expect(await ask(`${way.environment["AWS_ENDPOINT_URL"]}/a`)).toBe("hello /a");
    expect(way.environment["AWS_ENDPOINT_URL_SQS"]).toBe(way.environment["AWS_ENDPOINT_URL"]);
    expect(way.environment["SQS_TASK_QUEUE_URL"]).toBe(`${url}/q`);
    expect(way.environment["AWS_ENDPOINT_URL"]).not.toBe(url);
    way.cut();
  });

  it("keeps the name, the password and the database of an address", async () => {
    const way = await openWayOut({ DATABASE_URL: "postgres://me:secret@127.0.0.1:5999/yard" });

    expect(way.environment["DATABASE_URL"]).toMatch(/^postgres:\/\/me:secret@127\.0\.0\.1:(?!5999)\d+\/yard$/);
    way.cut();
  });

  it("ends what is under way when it is cut, and takes nothing else", async () => {
    const way = await openWayOut({ AWS_ENDPOINT_URL: url });
    const address = way.environment["AWS_ENDPOINT_URL"];
    const arrived = new Promise((resolve) => server.once("request", resolve));
    const hanging = expect(ask(`${address}/hangs`)).rejects.toThrow();

    await arrived;
    way.cut();

    await hanging;
    await expect(ask(`${address}/b`)).rejects.toThrow();
    expect(await ask(`${url}/b`)).toBe("hello /b");
  });
});
