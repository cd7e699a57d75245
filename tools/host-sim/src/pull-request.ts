import { createHash } from "node:crypto";
import { createHostSim } from "./host-sim.ts";

/** The repository of the template `previews`. */
const REPOSITORY = "acme/shop";

/** A pull request that a person tries a yard with. */
export interface PullRequestInput {
  readonly action: "open" | "push" | "close";
  /** Any word; the same word is the same commit. */
  readonly commit: string;
  /** The secret of the webhook. */
  readonly secret: string;
  /** Where the server of the yard is. */
  readonly server: string;
}

/** Sends the webhook that GitHub sends when a person opens, pushes to or closes pull request 1, and returns the status of its answer. */
export async function sendPullRequest({ action, commit, secret, server }: PullRequestInput): Promise<number> {
  const github = createHostSim({ secret, now: Date.now });
  github.addRepository(REPOSITORY);
  const head = createHash("sha1").update(commit).digest("hex");
  let status = 502;
  const receive = async (delivery: { readonly headers: Readonly<Record<string, string>>; readonly body: string }) => {
    const headers = { ...delivery.headers, "content-type": "application/json" };
    status = (await fetch(`${server}/hooks/github`, { method: "POST", headers, body: delivery.body })).status;
    return status;
  };
  // What was done before this webhook is sent to nobody.
  if (action === "open") github.settings.receiver = receive;
  await github.openPull(REPOSITORY, { head: action === "push" ? "0".repeat(40) : head });
  github.settings.receiver = receive;
  if (action === "push") await github.push(REPOSITORY, 1, head);
  if (action === "close") await github.closePull(REPOSITORY, 1);
  return status;
}
