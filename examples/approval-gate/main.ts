import { join } from "node:path";
import { type Stack, silentLogger } from "@stackyard/core";
import {
  createFolderLocator,
  createMemoryStore,
  createUlids,
  explainStack,
  publishMessages,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import lambda from "@stackyard/executor-lambda";
import { keepYard, parseDemoWords } from "@stackyard/look";
import config from "./stackyard.config.ts";

// A program that embeds a yard has verified its senders itself. With a server, people log in instead.
const people = {
  eve: ["developers", "release-managers"],
  kim: ["developers"],
  ada: ["release-managers"],
  ben: ["release-managers"],
};
type Person = keyof typeof people;

const place = {
  projectDir: import.meta.dirname,
  dataDir: join(import.meta.dirname, ".stackyard"),
  environment: {},
  readSecret: async () => {
    throw new Error("This program configures no secrets.");
  },
};
const executors = new Map(
  lambda.executors(config.executors?.["lambda"], place).map((executor) => [executor.name, executor]),
);
const store = createMemoryStore();
const ids = createUlids();
const deps = { store, executors, ids, clock: systemClock, logger: silentLogger };
const locator = createFolderLocator({ folder: join(import.meta.dirname, "machines"), executors, clock: systemClock });
const yard = startYard({ ...deps, locator }, { drainMs: 1_000 });

async function load() {
  const [loaded] = await store.load(["shop"]);
  return loaded;
}

/** Sends an event as a person, and prints why it was refused. */
async function send(name: Person, event: string, fields: object = {}): Promise<void> {
  const sender = { kind: "host", id: name, name, groups: people[name] } as const;
  const message = { stackId: "shop", machine: "shop", event, ...fields };
  const [result] = await publishMessages(deps, [message], { sender });
  if (result?.kind !== "accepted") throw new Error(`${event} was not accepted.`);
  const { eventId } = result;
  const line = await until(async () => (await store.queries.listHistory({ eventId }, { limit: 1 })).items[0]);
  const answer = line.outcome === "applied" ? line.notes.join(" ") : `${line.outcome}: ${line.code}: ${line.reason}`;
  console.log(`${name}: ${event}${answer && `  ${answer}`}`);
}

/** Answers the open approval, or the one that was open when `id` was read. */
async function answer(name: Person, event: string, fields: object = {}): Promise<void> {
  const open = (await load())?.stack?.approvals?.["sign-off"];
  await send(name, event, { task: { name: "sign-off" }, dispatchId: open?.id, of: open?.of, ...fields });
}

async function print(isReached: (state: string, isAsked: boolean) => boolean): Promise<void> {
  const stack = await until(async () => {
    const found = (await load())?.stack;
    return found && isReached(found.state, found.approvals !== undefined) ? found : undefined;
  });
  console.log(`  ${stack.state}: ${describe(stack)}`);
}

function describe(stack: Stack): string {
  const { state, metadata, lastFailure } = stack;
  if (state === "LIVE") return `${metadata["image"]}, approved by ${metadata["approvers"]}`;
  if (state === "STOPPED") return lastFailure?.message ?? "";
  const { tasks } = explainStack({ stack, parked: [], attempts: [] }, systemClock.now());
  return tasks.find(({ name }) => name === "sign-off")?.why ?? "";
}

async function until<Found>(find: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const isAsked = (_: string, asked: boolean) => asked;

async function play(): Promise<void> {
  await send("eve", "RELEASED", { metadata: { image: "shop:1.4", notes: "faster" } });
  await print(isAsked);
  await answer("eve", "APPROVE_TASK");
  await answer("kim", "APPROVE_TASK");
  await answer("ada", "APPROVE_TASK", { of: "shop:1.3" });
  await answer("ada", "APPROVE_TASK");
  await print(isAsked);
  const seen = (await load())?.stack?.approvals?.["sign-off"]?.id;
  await send("kim", "NOTED", { metadata: { notes: "faster, and drops the old API" } });
  await print(isAsked);
  await answer("ben", "APPROVE_TASK", { dispatchId: seen });
  await answer("ben", "APPROVE_TASK");
  await answer("ada", "APPROVE_TASK");
  await print((state) => state === "LIVE");
  console.log();
  await send("eve", "RELEASED", { metadata: { image: "shop:2.0", notes: "new shop" } });
  await print(isAsked);
  await answer("ben", "REJECT_TASK", { reason: "not before the holidays" });
  await print((state) => state === "STOPPED");
}

const about = "Two people approve a release before it is deployed, and one is rejected.";
const options = parseDemoWords(process.argv.slice(2), { command: "npm start", about });
if (typeof options === "number") process.exitCode = options;
else {
  await play();
  if (options.keep) await keepYard({ ...deps, locator, executors: [...executors.values()], say: console.log });
}
await yard.stop();
await store.close();
