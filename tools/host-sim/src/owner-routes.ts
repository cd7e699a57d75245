import { createHash } from "node:crypto";
import { type SimRepository, toPullBody, toRepositoryBody } from "./bodies.ts";
import { type Answer, MISSING, REPO, type Route, type RouteInput, type State, toPage } from "./route.ts";

const INVALID: Answer = { status: 422, body: { message: "Validation Failed" } };
const FIRST_OWN = 900_000;

function find({ repositories }: State, { groups }: RouteInput): SimRepository | undefined {
  return repositories.get(groups["repo"] ?? "");
}

function toCommit(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

function createRepository({ repositories }: State, { groups, body }: RouteInput): Answer {
  const fullName = `${groups["owner"]}/${String(body["name"])}`;
  if (repositories.has(fullName)) return INVALID;
  const id = FIRST_OWN + repositories.size;
  const refs = new Map(body["auto_init"] === true ? [["refs/heads/main", toCommit(fullName)]] : []);
  const repository = { id, fullName, pulls: new Map(), archives: new Map(), commits: [], refs };
  repositories.set(fullName, repository);
  return { status: 201, body: { ...toRepositoryBody(repository), private: body["private"], default_branch: "main" } };
}

function deleteRepository({ repositories }: State, { groups }: RouteInput): Answer {
  return repositories.delete(groups["repo"] ?? "") ? { status: 204, body: undefined } : MISSING;
}

function createRef(state: State, input: RouteInput): Answer {
  const { ref, sha } = input.body;
  const refs = find(state, input)?.refs;
  if (refs === undefined) return MISSING;
  if (refs.has(String(ref)) || ![...refs.values()].includes(String(sha))) return INVALID;
  refs.set(String(ref), String(sha));
  return { status: 201, body: { ref, object: { type: "commit", sha } } };
}

/** Makes a commit on a branch. */
function putContents(state: State, input: RouteInput): Answer {
  const ref = `refs/heads/${String(input.body["branch"])}`;
  const refs = find(state, input)?.refs;
  const before = refs?.get(ref);
  if (refs === undefined || before === undefined) return MISSING;
  const sha = toCommit(`${before} ${String(input.body["content"])}`);
  refs.set(ref, sha);
  return { status: 201, body: { commit: { sha } } };
}

function createPull(state: State, input: RouteInput): Answer {
  const repository = find(state, input);
  if (repository === undefined) return MISSING;
  const head = repository.refs.get(`refs/heads/${String(input.body["head"])}`);
  // Source: "Create a pull request", GitHub Docs: without a commit between the branches there is nothing to merge.
  if (head === undefined || head === repository.refs.get(`refs/heads/${String(input.body["base"])}`)) return INVALID;
  const number = repository.pulls.size + 1;
  const about = { title: String(input.body["title"]), author: input.login ?? "octocat", fork: false, labels: [] };
  const pull = { ...about, number, head, state: "open", updatedAt: Date.now() } as const;
  repository.pulls.set(number, pull);
  return { status: 201, body: toPullBody(repository, pull) };
}

function updatePull(state: State, input: RouteInput): Answer {
  const repository = find(state, input);
  const pull = repository?.pulls.get(Number(input.groups["number"]));
  if (repository === undefined || pull === undefined) return MISSING;
  // GitHub counts whole seconds.
  const updatedAt = Math.max(Date.now(), pull.updatedAt + 1_000);
  const changed = { ...pull, state: input.body["state"] === "closed" ? "closed" : "open", updatedAt } as const;
  repository.pulls.set(pull.number, changed);
  return { status: 200, body: toPullBody(repository, changed) };
}

function listReactions({ reports }: State, { url, groups }: RouteInput): Answer {
  const found = reports.comments.find(
    ({ id, repository }) => id === Number(groups["id"]) && repository === groups["repo"],
  );
  return found === undefined
    ? MISSING
    : toPage(
        url,
        found.reactions.map((content, index) => ({ id: index + 1, content })),
      );
}

/** What people do with their repositories by the API: none of these sends a delivery. */
export const OWNER_ROUTES: readonly Route[] = [
  { method: "POST", path: /^\/orgs\/(?<owner>[^/]+)\/repos$/, answer: createRepository },
  { method: "DELETE", path: new RegExp(`${REPO}$`), answer: deleteRepository },
  { method: "POST", path: new RegExp(`${REPO}/git/refs$`), answer: createRef },
  { method: "PUT", path: new RegExp(`${REPO}/contents/.+$`), answer: putContents },
  { method: "POST", path: new RegExp(`${REPO}/pulls$`), answer: createPull },
  { method: "PATCH", path: new RegExp(`${REPO}/pulls/(?<number>\\d+)$`), answer: updatePull },
  { method: "GET", path: new RegExp(`${REPO}/issues/comments/(?<id>\\d+)/reactions$`), answer: listReactions },
];
