import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AwsSim,
  answerS3,
  createAwsSim,
  type DoorRequest,
  type FrontDoor,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const BUCKET = "source";

/** Selects requests. */
export type Matches = (request: DoorRequest) => boolean;

/** How a publisher ended. */
export interface Ended {
  readonly exitCode: number | null;
  /** What `--json` has printed. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
  readonly stderr: string;
}

/** A process of the built command line that publishes. */
export interface Publisher {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The bucket of a distributor at an address of this machine, and processes that publish into it. */
export interface SourceBucket {
  readonly door: FrontDoor;
  /** Publishes these files, by path, as billing-api 1.4.2. Each publisher has its own key. */
  publish(files: Readonly<Record<string, string | Buffer>>): Publisher;
  /** Makes the next such request of each of two publishers wait until both have arrived. */
  meet(matches: Matches): void;
  /** Makes the next such request wait until it is released. */
  stay(matches: Matches): { readonly reached: Promise<void>; letGo(): void };
  /** Returns the SHA-256 by key, from the current manifest; undefined when it does not exist. */
  promised(): Readonly<Record<string, string>> | undefined;
  /** Returns the same for the stored objects, in the versions of the manifest. */
  stored(): Readonly<Record<string, string | undefined>>;
  /** Returns all keys except the manifest's. */
  keys(): readonly string[];
  openUploads(): number;
  stop(): Promise<void>;
}

const FOLDER = "billing-api/1.4.2/";
/** Where the manifest appears, which is the commit. */
export const MANIFEST = `${FOLDER}manifest.json`;

/** Starts it, empty. */
export async function startSourceBucket({ versioned }: { readonly versioned: boolean }): Promise<SourceBucket> {
  const sim = createAwsSim({ clock: systemClock });
  sim.s3.createBucket({ ...PLACE, name: BUCKET, versioned });
  const gates = createGates();
  const answer = answerS3(sim);
  const s3 = async (request: DoorRequest) => {
    await gates.pass(request);
    return answer(request);
  };
  const door = await openFrontDoor({ services: { s3 }, others: "http://127.0.0.1:1" });
  const folder = mkdtempSync(join(tmpdir(), "stackyard-publish-"));
  writeFileSync(join(folder, "stackyard.config.json"), JSON.stringify({ plugins: ["@stackyard/distributor"] }));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const children = new Set<ChildProcess>();
  const manifest = () => JSON.parse(sim.s3.findObject(BUCKET, MANIFEST)?.body.toString() ?? "null");
  const files = (): readonly NamedFile[] => manifest()?.files ?? [];
  return {
    door,
    meet: gates.meet,
    stay: gates.stay,
    publish(content) {
      const dist = join(folder, `dist-${children.size}`);
      for (const [path, bytes] of Object.entries(content)) {
        mkdirSync(dirname(join(dist, path)), { recursive: true });
        writeFileSync(join(dist, path), bytes);
      }
      const publisher = spawnPublisher({ folder, dist, environment: toEnvironment(sim, door, children.size) });
      children.add(publisher.child);
      return publisher;
    },
    promised: () => (manifest() === null ? undefined : toRecord(files().map(({ key, sha256 }) => [key, sha256]))),
    stored: () => toRecord(files().map((file) => [file.key, digestOf(sim, file)])),
    keys: () =>
      Object.keys(sim.s3.texts(BUCKET))
        .filter((key) => key !== MANIFEST)
        .map((key) => key.replace(FOLDER, "")),
    openUploads: () => sim.s3.uploads(BUCKET).length,
    async stop() {
      for (const child of children) child.kill("SIGKILL");
      await door.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface NamedFile {
  readonly key: string;
  readonly sha256: string;
  readonly versionId?: string;
}

function digestOf(sim: AwsSim, { key, versionId }: NamedFile): string | undefined {
  const found = sim.s3.findObject(BUCKET, key, versionId);
  return found && createHash("sha256").update(found.body).digest("hex");
}

/** Returns a record by the path that was published. */
function toRecord<Value>(entries: readonly (readonly [string, Value])[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(entries.map(([key, value]) => [key.replace(FOLDER, ""), value]));
}

function toEnvironment(sim: AwsSim, { url }: FrontDoor, number: number): Readonly<Record<string, string>> {
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: PLACE.account, name: `pipeline-${number}` });
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: PLACE.region,
    STACKYARD_ARTIFACTS_BUCKET: BUCKET,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

interface Work {
  readonly folder: string;
  readonly dist: string;
  readonly environment: Readonly<Record<string, string>>;
}

function spawnPublisher({ folder, dist, environment }: Work): Publisher {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const words = ["artifacts", "publish", "billing-api", "1.4.2", dist, "--json"];
  const child = spawn(process.execPath, [join(ROOT, "packages/cli/dist/bin.js"), ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (exitCode) => resolve({ exitCode, stderr, result: findResult(stdout) }));
  });
  return { child, ended };
}

/** Returns the last line; the lines before it report progress. */
function findResult(stdout: string): Readonly<Record<string, unknown>> | undefined {
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return last === "" ? undefined : JSON.parse(last);
}

interface Gate {
  readonly matches: Matches;
  /** How many requests wait for each other; later requests pass. */
  readonly comers: number;
  readonly come: () => void;
  readonly opened: Promise<void>;
}

/** Holds requests back until others have arrived, instead of for a fixed time. */
function createGates() {
  const gates = new Map<Gate, Set<string>>();

  function add(matches: Matches, comers: number): PromiseWithResolvers<void> & { readonly full: Promise<void> } {
    const full = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    gates.set({ matches, comers, come: full.resolve, opened: opened.promise }, new Set());
    return { ...opened, full: full.promise };
  }

  return {
    meet(matches: Matches): void {
      const { full, resolve } = add(matches, 2);
      void full.then(resolve);
    },
    stay(matches: Matches) {
      const { full, resolve } = add(matches, 1);
      return { reached: full, letGo: () => resolve() };
    },
    async pass(request: DoorRequest): Promise<void> {
      for (const [gate, came] of gates) {
        const isMeant = came.size < gate.comers && !came.has(request.accessKeyId) && gate.matches(request);
        if (!isMeant) continue;
        came.add(request.accessKeyId);
        if (came.size === gate.comers) gate.come();
        await gate.opened;
      }
    },
  };
}
