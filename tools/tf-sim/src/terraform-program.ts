import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, isMap, parseJson } from "@stackyard/core";
import type { ProgramCall, ProgramRunner } from "@stackyard/executor-terraform";
import type { CloudObject, CloudPlace, TerraformCloud } from "./terraform-cloud.ts";
import { BackendError, createStateClient, type HttpAnswer, type HttpCall, type StateClient } from "./terraform-http.ts";

/** The ways in which a process of Terraform ends other than by itself, as weathers order them. */
export const FATES = {
  "not found": "It is not started: the file is gone.",
  "no process": "It is not started: the system has no process for it.",
  "killed early": "It is killed before it does anything.",
  "killed in work": "It is killed after a provider has made or removed an object, before it prints that.",
  "killed before saved": "It is killed when everything is done and printed, before it saves the state.",
  "killed when saved": "It is killed when the state is saved, before it releases the lock.",
  "killed at the end": "It is killed when the lock is released, before its last line, half of which it prints.",
  "killed below a shell": "It is killed in the middle of its work, and the shell that has started it exits with 137.",
  crashes: "It crashes in the middle of its work.",
  hangs: "It hangs in the middle of its work, and ignores an interrupt.",
  "hangs until interrupted": "It waits in the middle of its work, until it is interrupted.",
  "fails after": "It exits with 1 when everything is done.",
  "output cut": "The end of its output is missing, and it succeeds.",
  "disk full": "It fails, because no file can be written.",
  "provider fails": "A provider refuses its first change.",
} as const;
export type Fate = keyof typeof FATES;

/** The end of a process, as its starter gets it. */
interface ProgramEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

interface TerraformDeps {
  readonly clock: Clock;
  readonly cloud: TerraformCloud;
  /** Sends a request to the state backend as the program of this call. */
  send(program: ProgramCall, call: HttpCall): Promise<HttpAnswer>;
  /** Loads a provider; throws what `init` prints. */
  download(): Promise<void>;
  /** Called with a program that was killed or interrupted by its starter. */
  onStopped(program: ProgramCall): void;
}

/** The resources of the configuration. */
export const ADDRESSES = ["sim_server.db", "sim_server.web"] as const;
const WORK_MS = 60_000;
const READ_MS = 2_000;

/** Ends the process from any depth. */
class Exit extends Error {
  readonly end: ProgramEnd;
  constructor(code: number | null, signal: string | null = null) {
    super("The process ends.");
    this.end = { code, signal };
  }
}

/** One process. */
interface Process extends TerraformDeps {
  readonly program: ProgramCall;
  readonly client: StateClient;
  readonly lockId: string;
  readonly fate: () => Fate | undefined;
  print(message: object): void;
  error(text: string): void;
}

/**
 * Creates a simulated Terraform in virtual time: `init`, `plan`, `show`, `apply`, `destroy`, `output` and `state pull` on one
 * configuration, over the backend `http`, with the stream of `-json` (Terraform docs, "Machine-Readable UI"). `fateOf`: the
 * fate of the call, which may be decided until it matters.
 */
export function createTerraform(
  deps: TerraformDeps,
  fateOf: (program: ProgramCall) => Fate | undefined,
): ProgramRunner {
  let locks = 0;
  return async (program) => {
    writeFileSync(`${program.logPath}.out`, "");
    writeFileSync(`${program.logPath}.err`, "");
    locks += 1;
    const process = openProcess(deps, program, { fate: () => fateOf(program), lockId: `lock-${locks}` });
    try {
      refuseStart(process);
      await work(process);
      return { code: process.fate() === "fails after" ? 1 : 0, signal: null };
    } catch (error) {
      if (error instanceof Exit) return error.end;
      throw error;
    }
  };
}

function openProcess(deps: TerraformDeps, program: ProgramCall, given: Pick<Process, "fate" | "lockId">): Process {
  const write = (text: string) => {
    writeFileSync(`${program.logPath}.out`, text, { flag: "a" });
    program.onOutput(text);
  };
  const retries = Number(program.environment["TF_HTTP_RETRY_MAX"] ?? 2);
  return {
    ...deps,
    program,
    ...given,
    client: createStateClient({ clock: deps.clock, retries, send: (call) => deps.send(program, call) }),
    print: (message) => write(`${JSON.stringify(message)}\n`),
    error: (text) => writeFileSync(`${program.logPath}.err`, `${text}\n`, { flag: "a" }),
  };
}

function refuseStart({ fate, error }: Process): void {
  const codes: Partial<Record<Fate, string>> = { "not found": "ENOENT", "no process": "EAGAIN" };
  const code = codes[fate() ?? "hangs"];
  if (code !== undefined) throw Object.assign(new Error(`spawn terraform ${code}`), { code });
  if (fate() === "killed early") throw killed();
  if (fate() !== "disk full") return;
  error("Error: Failed to write: no space left on device");
  throw new Exit(1);
}

function killed(): Exit {
  return new Exit(null, "SIGKILL");
}

async function work(process: Process): Promise<void> {
  const [command = ""] = process.program.arguments;
  switch (command) {
    case "init":
      return init(process);
    case "plan":
      return plan(process);
    case "show":
      return show(process);
    case "apply":
    case "destroy":
      return apply(process, command);
    default:
      return read(process, command);
  }
}

async function init(process: Process): Promise<void> {
  const { program, client, download, error } = process;
  try {
    await pause(process, READ_MS);
    await client.get();
    await download();
  } catch (cause) {
    if (cause instanceof Exit) throw cause;
    error(`Error: ${toMessage(cause)}`);
    throw new Exit(1);
  }
  const record = JSON.stringify({ version: 3, backend: { type: "http", config: { address: null } } });
  const folder = join(program.cwd, ".terraform");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "terraform.tfstate"), record);
  endUnreported(process);
}

/** The place of a process, by its environment; the key of an account ends with it. */
function findPlace({ program: { environment } }: Pick<Process, "program">): CloudPlace {
  const { AWS_REGION: region = "", AWS_ACCESS_KEY_ID: key = "" } = environment;
  return { account: key.replace(/^AKIA/, ""), region };
}

interface Planned {
  readonly serial: number;
  readonly lineage: string;
  readonly objects: readonly CloudObject[];
  /** True if an object of the state does not exist any more. */
  readonly isRefreshed?: boolean;
  readonly changes: readonly { readonly address: string; readonly action: "create" | "delete" }[];
}

/** Reads the state and compares it with the configuration and the objects. */
async function makePlan(process: Process, isDestroy: boolean): Promise<Planned> {
  const { cloud, client } = process;
  const text = await client.get().catch((cause: unknown) => fail(process, "Failed to load state", cause));
  const state = parseState(process, text);
  const place = findPlace(process);
  const objects = state.objects.filter(({ id }) => cloud.has(id, place));
  const known = new Set(objects.map(({ address }) => address));
  const wanted: readonly string[] = isDestroy ? [] : ADDRESSES;
  const changes = [
    ...wanted.filter((address) => !known.has(address)).map((address) => ({ address, action: "create" as const })),
    ...[...known]
      .filter((address) => !wanted.includes(address))
      .map((address) => ({ address, action: "delete" as const })),
  ];
  return { ...state, objects, changes, isRefreshed: objects.length < state.objects.length };
}

function parseState(process: Process, text: string | undefined) {
  if (text === undefined) return { serial: 0, lineage: `lineage-${process.lockId}`, objects: [] };
  const state = parseJson(text);
  if (!isMap(state) || state["version"] !== 4 || !Array.isArray(state["resources"])) {
    return fail(process, "Failed to load state", "The state file could not be parsed as JSON.");
  }
  const objects = state["resources"].map((resource): CloudObject => {
    const { type, name, instances } = Object(resource);
    const { id, arn } = instances[0].attributes;
    const [, , , region = "", account = ""] = String(arn).split(":");
    return { address: `${type}.${name}`, id: String(id), account, region };
  });
  return { serial: Number(state["serial"]), lineage: String(state["lineage"]), objects };
}

/** Returns a state as Terraform writes it. */
export function toState({ serial, lineage, objects }: Omit<Planned, "changes">): string {
  const resources = objects.map(({ address, id, account, region }) => {
    const [type = "", name = ""] = address.split(".");
    const instances = [{ schema_version: 0, attributes: { id, arn: `arn:aws:sim:${region}:${account}:${id}` } }];
    return { mode: "managed", type, name, provider: 'provider["registry.terraform.io/acme/sim"]', instances };
  });
  const outputs = objects.length === 0 ? {} : { url: { value: "https://web", type: "string" } };
  return JSON.stringify({ version: 4, terraform_version: "1.11.4", serial, lineage, outputs, resources });
}

function printPlan({ print }: Process, { changes }: Planned): void {
  for (const { address, action } of changes) {
    print({ type: "planned_change", change: { resource: toResource(address), action } });
  }
  const changed = { ...countChanges(changes), operation: "plan" };
  print({ "@message": "Plan.", type: "change_summary", changes: changed });
}

function countChanges(changes: Planned["changes"]) {
  const add = changes.filter(({ action }) => action === "create").length;
  return { add, change: 0, import: 0, remove: changes.length - add };
}

function toResource(address: string) {
  const [resource_type = "", resource_name = ""] = address.split(".");
  return { addr: address, module: "", resource: address, implied_provider: "sim", resource_type, resource_name };
}

async function plan(process: Process): Promise<void> {
  const words = process.program.arguments;
  const isLocked = !words.includes("-lock=false");
  const planned = await underLock(process, isLocked, async () => {
    const made = await makePlan(process, words.includes("-destroy"));
    await pause(process, READ_MS);
    return made;
  });
  printPlan(process, planned);
  const file = words.find((word) => word.startsWith("-out="))?.slice("-out=".length) ?? "";
  writeFileSync(file, JSON.stringify(planned));
  endUnreported(process);
  if (process.fate() !== "fails after" && planned.changes.length > 0) throw new Exit(2);
}

/** Shows a plan; without a file the state. */
async function show(process: Process): Promise<void> {
  const file = process.program.arguments.find((word) => word.endsWith(".tfplan"));
  if (file === undefined) return showState(process);
  const planned: Planned = JSON.parse(readFileSync(file, "utf8"));
  await pause(process, READ_MS);
  const resource_changes = planned.changes.map(({ address, action }) => ({
    ...{ address, mode: "managed", type: "sim_server", name: address.split(".")[1], provider_name: "sim" },
    change: { actions: [action], before: action === "create" ? null : {}, after: action === "create" ? {} : null },
  }));
  const text = JSON.stringify({ format_version: "1.2", complete: true, errored: false, resource_changes });
  writeFileSync(`${process.program.logPath}.out`, process.fate() === "output cut" ? text.slice(0, -9) : text);
  endUnreported(process);
}

async function showState(process: Process): Promise<void> {
  const text = await process.client.get().catch((cause: unknown) => fail(process, "Failed to load state", cause));
  await pause(process, READ_MS);
  const resources = parseState(process, text).objects.map(({ address }) => ({ address, mode: "managed", values: {} }));
  const shown = text === undefined ? {} : { values: { root_module: { resources } } };
  writeFileSync(`${process.program.logPath}.out`, JSON.stringify({ format_version: "1.0", ...shown }));
  endUnreported(process);
}

/** `output` and `state pull`. */
async function read(process: Process, command: string): Promise<void> {
  const text = await process.client.get().catch((cause: unknown) => fail(process, "Failed to load state", cause));
  await pause(process, READ_MS);
  const printed = command === "state" ? (text ?? "") : JSON.stringify(Object(parseJson(text ?? "{}"))["outputs"] ?? {});
  writeFileSync(`${process.program.logPath}.out`, process.fate() === "output cut" ? printed.slice(0, -9) : printed);
  endUnreported(process);
}

/** A saved plan is stale when the state has another serial or lineage (Terraform, `internal/backend/local/backend_local.go`). */
async function openPlan(process: Process, file: string): Promise<Planned> {
  const planned: Planned = JSON.parse(readFileSync(file, "utf8"));
  const text = await process.client.get().catch((cause: unknown) => fail(process, "Failed to load state", cause));
  const { serial, lineage } = parseState(process, text);
  if (text !== undefined && (serial !== planned.serial || lineage !== planned.lineage)) {
    return fail(process, "Saved plan is stale", "The state was changed by another operation.");
  }
  return planned;
}

async function apply(process: Process, command: "apply" | "destroy"): Promise<void> {
  const { print, program, fate } = process;
  const last = program.arguments.at(-1) ?? "";
  const planned = await underLock(process, true, async () => {
    const made = last.endsWith(".tfplan")
      ? await openPlan(process, last)
      : await makePlan(process, command === "destroy");
    printPlan(process, made);
    await change(process, made);
    return made;
  });
  if (fate() === "output cut" || fate() === "killed at the end") {
    program.onOutput('{"@level":"info","@message":"Apply comp');
    if (fate() === "killed at the end") throw killed();
    return;
  }
  print({
    "@message": "Done.",
    type: "change_summary",
    changes: { ...countChanges(planned.changes), operation: command },
  });
  const outputs = command === "destroy" ? {} : { url: { sensitive: false, type: "string", value: "https://web" } };
  print({ type: "outputs", outputs });
}

/** Makes the changes, then saves the state: also what there is of it after a failure or an interrupt. */
async function change(process: Process, planned: Planned): Promise<void> {
  let { objects } = planned;
  const failure = await makeChanges(process, planned, (changed) => {
    objects = changed;
  });
  if (process.fate() === "killed before saved") throw killed();
  if (planned.changes.length > 0 || planned.isRefreshed === true)
    await save(process, toState({ ...planned, serial: planned.serial + 1, objects }));
  if (process.fate() === "killed when saved") throw killed();
  if (failure !== undefined) fail(process, failure, "");
}

type Change = Planned["changes"][number];

/** Returns why it ended early. */
async function makeChanges(
  process: Process,
  { changes, objects: before }: Planned,
  onChanged: (objects: readonly CloudObject[]) => void,
): Promise<string | undefined> {
  const { print, fate, program } = process;
  let objects = before;
  for (const change of changes) {
    print({ type: "apply_start", hook: toHook(change) });
    await pause(process, WORK_MS);
    if (fate() === "provider fails") {
      print({ type: "apply_errored", hook: toHook(change) });
      return "The service did not answer";
    }
    try {
      objects = makeChange(process, change, objects);
    } catch (cause) {
      if (cause instanceof Exit) throw cause;
      print({ type: "apply_errored", hook: toHook(change) });
      return toMessage(cause);
    }
    onChanged(objects);
    if (program.signal.aborted) return "execution halted";
  }
  return undefined;
}

function toHook({ address, action }: Change) {
  return { resource: toResource(address), action, elapsed_seconds: WORK_MS / 1_000 };
}

/** Makes or removes one object, then prints that. Returns the objects of the state. */
function makeChange(process: Process, change: Change, objects: readonly CloudObject[]): readonly CloudObject[] {
  const { cloud, print } = process;
  const { address, action } = change;
  const place = findPlace(process);
  const made = action === "create" ? cloud.create(address, place) : undefined;
  const found = objects.find((object) => object.address === address);
  if (found !== undefined) cloud.remove(found.id, place);
  endUnreported(process);
  print({ type: "apply_complete", hook: { ...toHook(change), ...(made && { id_key: "id", id_value: made.id }) } });
  const others = objects.filter((object) => object.address !== address);
  return made === undefined ? others : [...others, made];
}

/** A state that is not saved is put into a file (Terraform, `internal/backend/local/backend_apply.go`). */
async function save(process: Process, state: string): Promise<void> {
  await process.client.post(state, process.lockId).catch((cause: unknown) => {
    writeFileSync(join(process.program.cwd, "errored.tfstate"), state);
    fail(process, "Failed to persist state to backend", cause);
  });
}

async function underLock<Result>(process: Process, isLocked: boolean, work: () => Promise<Result>): Promise<Result> {
  if (!isLocked) return work();
  const { client, lockId, program } = process;
  const word = program.arguments.find((each) => each.startsWith("-lock-timeout=")) ?? "-lock-timeout=0s";
  const [, count = "0", unit = "s"] = /=(\d+)([sm])$/.exec(word) ?? [];
  const timeoutMs = Number(count) * (unit === "m" ? 60_000 : 1_000);
  await client
    .lock(lockId, timeoutMs)
    .catch((cause: unknown) => fail(process, "Error acquiring the state lock", cause));
  const release = () =>
    client.unlock(lockId).catch((cause: unknown) => fail(process, "Error releasing the state lock", cause));
  try {
    const result = await work();
    await release();
    return result;
  } catch (error) {
    const isKilled = !(error instanceof Exit) || error.end.code !== 1;
    if (!isKilled) await release();
    throw error;
  }
}

/** Waits as a process that can be killed, crash and hang in its work. */
async function pause({ clock, program, fate, onStopped }: Process, ms: number): Promise<void> {
  const { signal, graceMs } = program;
  if (fate() === "hangs" || fate() === "hangs until interrupted") {
    await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
    onStopped(program);
    if (fate() === "hangs until interrupted") return;
    await clock.sleep(graceMs);
    throw killed();
  }
  // A provider ends its call, also when the program was interrupted.
  await clock.sleep(ms);
  if (signal.aborted) onStopped(program);
}

/** Ends a process whose work is done, but not reported. */
function endUnreported({ fate, error }: Process): void {
  if (fate() === "killed in work") throw killed();
  if (fate() === "killed below a shell") throw new Exit(137);
  if (fate() !== "crashes") return;
  error("!!!!!!!!!!!!!!!!!!!!!!!!!!! TERRAFORM CRASH !!!!!!!!!!!!!!!!!!!!!!!!!!!!\npanic: runtime error");
  throw new Exit(11);
}

function fail({ print, error, program }: Process, summary: string, cause: unknown): never {
  if (cause instanceof Exit) throw cause;
  const detail = toMessage(cause);
  if (program.arguments.includes("-json")) {
    print({ "@level": "error", type: "diagnostic", diagnostic: { severity: "error", summary, detail } });
  } else error(`Error: ${summary}\n\n${detail}`);
  throw new Exit(1);
}

function toMessage(cause: unknown): string {
  if (cause instanceof BackendError || cause instanceof Error) return cause.message;
  return String(cause);
}
