import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "@stackyard/postgres-server";

// biome-ignore lint/style/noProcessEnv: tests run what is installed.
const FOLDERS = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];

/** The program of nginx. Undefined where it is not installed: tests with it are skipped there. */
export const NGINX: string | undefined = FOLDERS.map((folder) => join(folder, "nginx")).find((path) =>
  existsSync(path),
);

/** A running nginx. */
export interface Nginx {
  /** Of its first server. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts nginx with servers. `toServers` returns the inside of each `server` block without `listen`; it is called with
 * the ports of the servers, for those that hand on to another one. `options`: further words of `listen` of the first,
 * such as `http2`. `http`: directives outside of servers; FOLDER in it is a folder of its own.
 */
export async function startNginx(
  toServers: (ports: readonly number[]) => readonly string[],
  { options = "", http = "" }: { readonly options?: string; readonly http?: string } = {},
): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-nginx-"));
  const ports = await Promise.all(toServers([]).map(findFreePort));
  const servers = toServers(ports).map((inside, index) => {
    return `server { listen 127.0.0.1:${ports[index]} ${index === 0 ? options : ""};\n${inside}\n}`;
  });
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${places.join(" ")} ${http.replaceAll("FOLDER", folder)}
${servers.join("\n")} }`;
  await writeFile(join(folder, "nginx.conf"), config);
  const words = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")];
  const child = spawn(NGINX ?? "nginx", words, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (const port of ports) await waitFor(port);
  return {
    url: `http://127.0.0.1:${ports[0]}`,
    async stop() {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const TRIES = 200;

async function waitFor(port: number): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isThere) return;
    await sleep(50);
  }
  throw new Error(`nginx does not listen on the port ${port}.`);
}
