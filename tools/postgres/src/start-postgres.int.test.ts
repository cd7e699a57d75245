import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPrograms, startPostgres } from "./start-postgres.ts";

/** Resolves with whether a server is listening. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

describe("startPostgres", () => {
  it("takes connections until it is stopped, and leaves no file", async () => {
    const server = await startPostgres({ durable: false });

    expect(await isListening(server.port)).toBe(true);
    await server.stop();

    expect(await isListening(server.port)).toBe(false);
    expect(existsSync(server.folder)).toBe(false);
  });

  it("starts again on its port after a kill", async () => {
    const server = await startPostgres();
    const before = server.pid();

    await server.kill();
    expect(await isListening(server.port)).toBe(false);
    await server.start();

    expect(await isListening(server.port)).toBe(true);
    expect(server.pid()).not.toBe(before);
    await server.stop();
  });

  it("does not answer while it is frozen, and continues afterwards", async () => {
    const server = await startPostgres({ durable: false });
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");

    server.freeze();
    // Asks whether the server speaks TLS, which it answers with one letter.
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    let answered = false;
    const answer = once(socket, "data").then(([data]) => {
      answered = true;
      return String(data);
    });
    await new Promise((resolve) => setImmediate(resolve));
    const whileFrozen = answered;
    server.thaw();

    expect(whileFrozen).toBe(false);
    expect(await answer).toBe("N");
    socket.destroy();
    await server.stop();
  });

  it.runIf(userInfo().uid === 0)("starts for root with programs below a folder that only root may enter", async () => {
    const own = mkdtempSync(join(tmpdir(), "only-root-"));
    const { initdb } = await findPrograms();
    cpSync(join(initdb, "../.."), join(own, "Ayşe çalışma"), { recursive: true, verbatimSymlinks: true });

    const server = await startPostgres({ durable: false, programs: join(own, "Ayşe çalışma/bin") });

    expect(await isListening(server.port)).toBe(true);
    await server.stop();
    expect(existsSync(server.folder)).toBe(false);
    rmSync(own, { recursive: true });
  });

  it("ends with its process, however that dies", async () => {
    const program = `
      import { findPrograms, startPostgres } from ${JSON.stringify(import.meta.resolve("./start-postgres.ts"))};
      const server = await startPostgres({ durable: false });
      process.stdout.write(server.folder + " " + server.port);
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    const [folder = "", port = ""] = said.toString().split(" ");
    expect(existsSync(`${folder}/data`)).toBe(true);

    child.kill("SIGKILL");

    await expect.poll(() => existsSync(`${folder}/data`)).toBe(false);
    expect(await isListening(Number(port))).toBe(false);
  });
});
