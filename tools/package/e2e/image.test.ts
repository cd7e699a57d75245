import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDockerfile, quote, toBuildScript, toImageConfig } from "../src/testing/dockerfile.ts";
import { MOST_INSTALLED, measureFolder } from "../src/testing/measure-folder.ts";

// No container engine is needed: the steps of the Dockerfile run in a root of their own, in which this machine's Debian and Node.js
// replace the base image, and nothing else of the machine is visible. What comes out runs as a user that no file knows, with
// a root that it cannot write.

const repository = join(import.meta.dirname, "../../..");
const stages = parseDockerfile(readFileSync(join(repository, "deploy/Dockerfile"), "utf8"));
const config = toImageConfig(stages, "yard");
const call = promisify(execFile);
const UID = 54_321;

/** What has to be here. */
function findMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "root";
  const overlay =
    "mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w o /mnt/m";
  if (spawnSync("unshare", ["--mount", "--pid", "--fork", "sh", "-c", overlay]).status !== 0)
    return "overlays in a mount namespace";
  if (spawnSync("apt-get", ["download", "--print-uris", "tini"], { cwd: tmpdir() }).status !== 0)
    return "Debian's packages";
  return undefined;
}

const missing = findMissing();

describe.skipIf(missing !== undefined)(
  `the image (${missing === undefined ? "built here" : `skipped without ${missing}`})`,
  () => {
    const temp = realpathSync(mkdtempSync(join(tmpdir(), "stackyard-image-")));
    const port = 20_000 + (process.pid % 20_000);
    const url = `http://127.0.0.1:${port}`;
    let container: ChildProcess;
    // The set-up may fail before there is a container.
    let kill = (): void => undefined;
    let postgres: PostgresServer | undefined;
    let output = "";

    /** Makes the root of a stage: the system's folders as they are, every other empty. */
    const prepare = (stage: string) => `
mkdir -p $W/${stage}.upper $W/${stage}.work $W/${stage}
mount -t overlay -o lowerdir=/,upperdir=$W/${stage}.upper,workdir=$W/${stage}.work overlay $W/${stage}
for each in /*; do
  case $each in /bin|/dev|/etc|/lib*|/proc|/sbin|/sys|/usr|/var) ;; *) [ -d $each ] && [ ! -L $each ] && mount -t tmpfs tmpfs $W/${stage}$each ;; esac
done
mount --bind /dev $W/${stage}/dev
mount -t proc proc $W/${stage}/proc
cp /etc/resolv.conf $W/${stage}/etc/resolv.conf 2>/dev/null || true
rm -rf $W/${stage}/usr/local/lib/node_modules $W/${stage}/usr/local/bin/*
cp ${process.execPath} $W/${stage}/usr/local/bin/node`;

    /** Makes the root read-only, with the project as a volume. */
    const mounts = `
mount --bind $W/project $W/runtime${config.folder}
${config.volumes.map((volume) => `mount -t tmpfs -o mode=1777 tmpfs $W/runtime${volume}`).join("\n")}
mount -t tmpfs -o mode=1777 tmpfs $W/runtime/tmp
for each in $W/runtime $W/runtime/opt $W/runtime/srv $W/runtime${config.folder}; do mount -o remount,ro,bind $each; done`;

    /** Starts the program of the image. */
    const toRun = (command: readonly string[], env: Readonly<Record<string, string>>): string => {
      const all = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...config.env, ...env };
      const words = Object.entries(all).map(([key, value]) => quote(`${key}=${value}`));
      const start = `cd ${config.folder} && exec ${[...config.entrypoint, ...command].map(quote).join(" ")}`;
      return `chroot --userspec=${UID}:${UID} --groups=${UID} $W/runtime /usr/bin/setpriv --no-new-privs /usr/bin/env -i ${words.join(" ")} /bin/sh -c ${quote(start)}`;
    };

    beforeAll(async () => {
      const packing = [join(repository, "tools/package/src/main.ts"), "--npm", "--out", join(temp, "context")];
      execFileSync(process.execPath, packing, { stdio: "pipe" });
      postgres = await startPostgres({ durable: false });
      const project = join(temp, "project");
      cpSync(join(repository, "deploy/project"), project, { recursive: true });
      const roots = join(temp, "roots");
      mkdirSync(roots);
      const script = toBuildScript({
        stages,
        target: "yard",
        context: join(temp, "context"),
        rootOf: (stage) => `$W/${stage}`,
        prepare,
      });
      const command = ["server", "--with-worker", "--host", "127.0.0.1", "--port", String(port), "--json"];
      const env = {
        DATABASE_URL: postgres.url,
        STACKYARD_API_TOKENS: "admin=0123456789abcdef",
        HEALTH_URL: `${url}/health/live`,
      };
      const begin = `set -eu\nW=${roots}\nmount -t tmpfs tmpfs $W\ncp -r ${project} $W/project`;
      const steps = [begin, script, "echo built", mounts, toRun(["migrate"], env), `exec ${toRun(command, env)}`];
      writeFileSync(join(temp, "build.sh"), steps.join("\n"));
      const isolated = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", join(temp, "build.sh")];
      container = spawn("unshare", isolated, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env["PATH"], LANG: "C.UTF-8", HOME: "/root" },
      });
      kill = () => void container.kill("SIGKILL");
      for (const stream of [container.stdout, container.stderr])
        stream?.on("data", (chunk: Buffer) => (output += chunk));
      await untilServed();
    }, 600_000);

    async function untilServed(): Promise<void> {
      const isUp = () =>
        fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      while (!(await isUp())) {
        if (container.exitCode !== null) throw new Error(`The container ended with ${container.exitCode}:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }

    afterAll(async () => {
      kill();
      await postgres?.stop();
      rmSync(temp, { recursive: true, force: true });
    });

    /** The process that is 1 in the container, as this machine counts. */
    const findInit = () => Number(readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, "utf8"));

    it("runs as a user that no file knows, below an init, with a root that cannot be written [openshift/origin#23369]", () => {
      const init = findInit();
      const status = readFileSync(`/proc/${init}/status`, "utf8");

      expect(readFileSync(`/proc/${init}/comm`, "utf8")).toBe("tini\n");
      expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).toBe(String(UID));
      expect(/^NoNewPrivs:\t(\d)/m.exec(status)?.[1]).toBe("1");
      const mounts = readFileSync(`/proc/${init}/mounts`, "utf8")
        .split("\n")
        .map((line) => line.split(" "));
      const writable = mounts.filter(
        ([, , type, options]) => type !== "proc" && type !== "devtmpfs" && options?.startsWith("rw"),
      );
      const own = writable.map(([, path]) => path).filter((path) => /^\/(?:$|opt|srv|usr|tmp|var)/.test(path ?? ""));
      expect(own).toEqual(expect.arrayContaining([...config.volumes, "/tmp"]));
      expect(own).not.toContain("/");
      expect(own).not.toContain("/opt");
    });

    it("has what servers and workers with Postgres and functions need, in at most half of what all packages take", () => {
      const packages = `/proc/${findInit()}/root/opt/stackyard`;

      expect(measureFolder(packages)).toBeLessThan(MOST_INSTALLED);
    });

    it("is healthy by its own health check", async () => {
      const [program = "", ...words] = config.health;
      const check = (address: string) =>
        spawnSync(program === "node" ? process.execPath : program, words, { env: { HEALTH_URL: address } }).status;

      // The server listens in the network of this machine.
      expect([check(`${url}/health/live`), check("http://127.0.0.1:9/health/live")]).toEqual([0, 1]);
    });

    it("runs a task of a machine", async () => {
      const bin = join(repository, "packages/cli/dist/bin.js");
      const env = { ...process.env, STACKYARD_URL: url, STACKYARD_TOKEN: "0123456789abcdef" };

      const { stdout } = await call(
        process.execPath,
        [bin, "send", "web-1", "OPENED", "--machine", "hello", "--until", "LIVE"],
        { env, cwd: temp },
      );

      expect(stdout).toContain("LIVE");
    });

    it("drains and ends with 0 on SIGTERM", async () => {
      const ended = once(container, "exit");
      process.kill(findInit(), "SIGTERM");

      expect(await ended, output).toEqual([0, null]);
    }, 60_000);
  },
);

describe("the Dockerfile", () => {
  const text = readFileSync(join(repository, "deploy/Dockerfile"), "utf8");
  const runner = readFileSync(join(repository, "apps/task-runner/Dockerfile"), "utf8");

  it("has the Terraform of the task runner, by its checksums", () => {
    const listed = (of: string) => [...of.matchAll(/sha256:[0-9a-f]{64}|https:\S+\.zip/g)].map(([found]) => found);

    expect(listed(text)).toHaveLength(4);
    expect(listed(text)).toEqual(listed(runner));
  });

  it("starts as no root, by number for runAsNonRoot [opendatahub-io/kubeflow#348], and with Terraform only where that is the target", () => {
    const users = stages.flatMap(({ instructions }) => instructions.filter(({ name }) => name === "USER"));

    expect(users).toEqual([{ name: "USER", text: "10001:10001" }]);
    expect(stages.at(-1)).toMatchObject({ name: "yard", base: "runtime", instructions: [] });
    expect(JSON.stringify(stages.find(({ name }) => name === "runtime"))).not.toContain("/program/terraform");
  });
});
