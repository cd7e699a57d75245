// npm run pull-request -- open|push|close COMMIT: plays GitHub for a yard on this machine; see docs/previews.md.
import { type PullRequestInput, sendPullRequest } from "./pull-request.ts";

const [action = "", commit = "first"] = process.argv.slice(2);
const { GITHUB_WEBHOOK_SECRET: secret = "", STACKYARD_URL: server = "http://127.0.0.1:7070" } = process.env;

function isAction(word: string): word is PullRequestInput["action"] {
  return word === "open" || word === "push" || word === "close";
}

if (!isAction(action) || secret === "") {
  console.error(
    "Set GITHUB_WEBHOOK_SECRET to that of the yard, and write: npm run pull-request -- open|push|close COMMIT",
  );
  process.exitCode = 64;
} else {
  const status = await sendPullRequest({ action, commit, secret, server }).catch(() => 502);
  console.log(`Pull request 1 of acme/shop: ${action} ${commit}. The yard answered ${status}.`);
  if (status >= 400) process.exitCode = 1;
}
