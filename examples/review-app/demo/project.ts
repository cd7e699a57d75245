import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { cp, mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { stackyardProgram } from "./stackyard-program.ts";

/** The folders of a demo. */
export interface DemoProject {
  /** Contains everything; to be removed at the end. */
  readonly root: string;
  /** The project that `stackyard init` created. */
  readonly project: string;
  /** Where environments are made. */
  readonly environments: string;
  readonly machine: string;
}

/** Creates a project as `stackyard init` does; without Terraform, with a machine that only needs functions. */
export async function createProject(withTerraform: boolean): Promise<DemoProject> {
  const root = await mkdtemp(join(tmpdir(), "stackyard-demo-"));
  const project = join(root, "review-app");
  await promisify(execFile)(process.execPath, [stackyardProgram(), "init", project]);
  if (!withTerraform) {
    await cp(fileURLToPath(new URL("machines/", import.meta.url)), join(project, "machines"), { recursive: true });
  }
  const machine = withTerraform ? "review-app" : "database-only";
  return { root, project, environments: join(root, "environments"), machine };
}

/** The system assigns none of these ports to servers without a fixed port, or to outgoing connections (Linux, macOS and Windows begin above). */
const CHOSEN_PORTS = { first: 10_000, last: 32_000 } as const;

/** Returns a free port. The control plane keeps it across restarts; no other process gets it in between. */
export function findFreePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const port = randomInt(CHOSEN_PORTS.first, CHOSEN_PORTS.last);
  const server = createServer();
  server.once("error", () => resolve(findFreePort()));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
  return promise;
}
