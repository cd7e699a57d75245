import { createHmac, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMap, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServiceRunner } from "@stackyard/core/services";
import hosts, { type HostsOptions } from "@stackyard/hosts";
import type { Kit, Trial } from "./run-kit.ts";

/** Where the GitHub kit works. */
export interface GitHubKitInput {
  readonly organization: string;
  readonly token: string;
  /** Of GitHub Enterprise. */
  readonly endpoint?: string | undefined;
  /** The time in which each check must pass. Default: three minutes. */
  readonly waitMs?: number;
}

const WAIT_MS = 180_000;
const REQUEST_MS = 30_000;
const PAUSE_MS = 1_000;
const BRANCH = "stackyard-kit";
const MACHINE = `version: 2
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;

/** Creates the kit for an organization: a private repository with a pull request, and a yard that comments on it. */
export function createGitHubKit(input: GitHubKitInput): Kit {
  const { organization, endpoint } = input;
  const call = createCaller(input);
  return {
    name: "kit:github",
    cost: "nothing",
    minutes: 3,
    rights: [
      "a token of a member who may create private repositories in the organization and delete them",
      "classic: repo, delete_repo; fine-grained, all repositories: administration, contents, issues and pull requests: write",
      "the yard reads the open pull requests of all repositories that the token sees, so a token that sees few is faster",
    ],
    async identify() {
      if (input.token === "") throw new Error("No token of GitHub. Set GITHUB_TOKEN.");
      const { login } = await call("GET", "/user");
      return `the organization ${organization} at ${endpoint ?? "https://github.com"}, as ${String(login)}`;
    },
    play: (trial) => play(input, call, trial),
  };
}

type Json = Readonly<Record<string, unknown>>;
type Call = (method: string, path: string, body?: object) => Promise<Json>;

class Refused extends Error {
  readonly status: number;

  constructor(text: string, status: number) {
    super(text);
    this.status = status;
  }
}

/** What people do at GitHub; what the yard does goes through its own client. */
function createCaller({ token, endpoint }: GitHubKitInput): Call {
  const api = endpoint === undefined ? "https://api.github.com" : `${endpoint.replace(/\/$/, "")}/api/v3`;
  return async (method, path, body) => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "user-agent": "stackyard-kit",
      },
      signal: AbortSignal.timeout(REQUEST_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: unknown = text === "" ? {} : JSON.parse(text);
    if (response.ok) return isMap(answer) ? answer : { items: answer };
    throw new Refused(
      `GitHub answered ${response.status} to ${method} ${path}: ${text.slice(0, 300)}`,
      response.status,
    );
  };
}

async function play(input: GitHubKitInput, call: Call, trial: Trial): Promise<void> {
  const name = `stackyard-kit-${randomUUID().slice(0, 8)}`;
  const fullName = `${input.organization}/${name}`;
  const remove = async () => {
    await call("DELETE", `/repos/${fullName}`).catch((error: unknown) => {
      if (!(error instanceof Refused && error.status === 404)) throw error;
    });
  };
  const repository = await trial.make({ what: "private repository", id: fullName, remove }, () =>
    call("POST", `/orgs/${input.organization}/repos`, { name, private: true, auto_init: true }),
  );
  const path = `/repos/${fullName}`;
  const until = createWaiting(trial.signal, input.waitMs ?? WAIT_MS);
  const number = await openPull(call, path, { base: String(repository["default_branch"]), until });
  const yard = await startKitYard(input, fullName);
  const list = async () => {
    const { items } = await call("GET", `${path}/issues/${number}/comments`);
    return (Array.isArray(items) ? items : []).filter(({ body }) => String(body).startsWith("<!-- stackyard "));
  };
  const findComment = (words: string) => async () => {
    const found = await list();
    if (found.length > 1) throw new Error(`the yard has written ${found.length} comments`);
    return found.find(({ body }) => body.includes(words))?.html_url as string | undefined;
  };
  try {
    await trial.check("the yard finds the pull request by polling, and comments on it", () =>
      until("the comment", findComment("is ready")),
    );
    await trial.check("/preview status is answered with a reaction (GitHub's delivery played by the kit)", async () => {
      const comment = await call("POST", `${path}/issues/${number}/comments`, { body: "/preview status" });
      const [issue, sender] = [{ number, pull_request: {} }, await call("GET", "/user")];
      await yard.deliver("issue_comment", { action: "created", comment, issue, repository, sender });
      return until("the reaction", async () => {
        const { items } = await call("GET", `${path}/issues/comments/${String(comment["id"])}/reactions`);
        const [first] = Array.isArray(items) ? items : [];
        if (first !== undefined && first.content !== "+1") throw new Error(`the reaction is ${first.content}`);
        return first?.content as string | undefined;
      });
    });
    await trial.check("the same comment says that the preview has ended (delivery played by the kit)", async () => {
      await call("PATCH", `${path}/pulls/${number}`, { state: "closed" });
      const pull_request = await call("GET", `${path}/pulls/${number}`);
      await yard.deliver("pull_request", { action: "closed", pull_request, repository, sender: pull_request["user"] });
      return until("the end", findComment("has ended"));
    });
  } finally {
    await yard.stop();
  }
}

type Until = <Value>(what: string, look: () => Promise<Value | undefined>) => Promise<Value>;

/** Returns what looks again until something is found. */
function createWaiting(signal: AbortSignal, waitMs: number): Until {
  return async (what, look) => {
    for (const end = Date.now() + waitMs; ; ) {
      signal.throwIfAborted();
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`${what} was not there after ${waitMs / 1_000} s`);
      await systemClock.sleep(PAUSE_MS, signal);
    }
  };
}

async function openPull(
  call: Call,
  path: string,
  { base, until }: { readonly base: string; readonly until: Until },
): Promise<number> {
  // The first commit of a new repository may come a moment later.
  const { object } = await until("the first commit", () =>
    call("GET", `${path}/git/ref/heads/${base}`).catch((error: unknown) => {
      if (error instanceof Refused && [404, 409].includes(error.status)) return undefined;
      throw error;
    }),
  );
  const { sha } = Object(object);
  await call("POST", `${path}/git/refs`, { ref: `refs/heads/${BRANCH}`, sha });
  const content = Buffer.from("A change.\n").toString("base64");
  await call("PUT", `${path}/contents/kit.txt`, { message: "Try a preview", content, branch: BRANCH });
  const { number } = await call("POST", `${path}/pulls`, { title: "Try a preview", head: BRANCH, base });
  return Number(number);
}

/** Starts a yard in memory with the plugin of hosts, and a mapping document for one repository. */
async function startKitYard({ token, endpoint }: GitHubKitInput, fullName: string) {
  const projectDir = await mkdtemp(join(tmpdir(), "stackyard-kit-"));
  await mkdir(join(projectDir, "hooks"));
  const pull = "pull: { open: { send: OPENED }, closed: { send: CLOSED } }";
  const mapping = `host: github\nwhen: "hook.repository.fullName == '${fullName}'"\nmachine: preview\nstack: "kit-pr-\${hook.pull.number}"\n${pull}\n`;
  await writeFile(join(projectDir, "hooks", "kit.yaml"), mapping);
  const secret = randomUUID();
  const github = {
    ...{ type: "github", token: { env: "TOKEN" }, secrets: [{ env: "SECRET" }], reports: ["comment"] },
    ...(endpoint === undefined ? {} : { url: endpoint }),
  };
  const options = { hosts: { github } } as HostsOptions;
  const services = hosts.services?.(options as never, { projectDir, dataDir: projectDir, environment: {} }) ?? [];
  const { machine } = parseMachine(MACHINE, { name: "preview" });
  if (machine === undefined) throw new Error("The machine of the kit is invalid.");
  const deps = {
    ...{ store: createMemoryStore(), locator: createStaticLocator([{ machine, source: MACHINE }]) },
    ...{ clock: systemClock, ids: createUlids(), random: Math.random, logger: silentLogger },
  };
  const readSecret = async (reference: object) => ("env" in reference && reference.env === "TOKEN" ? token : secret);
  const runner = createServiceRunner({ ...deps, readSecret }, services);
  const yard = startYard({ ...deps, executors: new Map() }, { drainMs: PAUSE_MS });
  runner.run();
  const route = services.flatMap(({ routes = [] }) => routes)[0];
  return {
    /** Sends what GitHub would send: it does not reach this machine. */
    async deliver(event: string, content: object): Promise<void> {
      const body = Buffer.from(JSON.stringify(content));
      const signature = createHmac("sha256", secret).update(body).digest("hex");
      const headers = new Headers({
        ...{ "x-github-event": event, "x-github-delivery": randomUUID(), "x-hub-signature-256": `sha256=${signature}` },
      });
      const url = new URL("http://127.0.0.1/hooks/github");
      const answer = await route?.answer(
        { url, headers, body, address: undefined, requestId: randomUUID() },
        runner.deps,
      );
      if (answer?.ok !== true) throw new Error(`the yard refused the delivery: ${await answer?.text()}`);
      runner.wake("hosts");
    },
    async stop(): Promise<void> {
      await runner.stop();
      await yard.stop();
      await deps.store.close();
      await rm(projectDir, { recursive: true, force: true });
    },
  };
}
