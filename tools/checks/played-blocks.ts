import type { BlockRule } from "./shell-blocks.ts";

const LAPTOP = { by: "tools/checks/e2e/laptop-pages.test.ts", marked: true };
const ACCOUNTS = { by: "packages/deployment/src/aws-page.int.test.ts" };
const RELEASES = { by: "packages/executor-asg/src/releases-page.int.test.ts" };
const FLEET = { by: "packages/executor-runcommand/src/fleet-page.int.test.ts" };

// Why no test plays a block. Each of its commands of ours is still read: packages/cli/src/page-commands.promise.test.ts.
const CLONE = { not: "works on the repository itself, as the checks of each change do" };
const LONG = { not: "measures or searches for minutes to hours" };
const OWN_NAMES = { not: "has names of the reader's own yard" };
const AWS_ITSELF = { not: "calls AWS itself, or what only an account has" };
const BUNDLE = {
  not: "installs the bundle with packages of a registry: tools/package/e2e plays it where there is none",
};
const SYSTEM = { not: "installs packages of the system, copies to another machine, or needs root" };
const OTHER_REGISTRY = { not: "installs packages that the repository does not have" };
const CONTAINERS = { not: "needs Docker or a cluster" };

/** What becomes of the shell blocks of each page that has some. */
export const PLAYED_BLOCKS: Readonly<Record<string, readonly BlockRule[]>> = {
  "CONTRIBUTING.md": [CLONE],
  "README.md": [{ by: "examples/review-app/e2e/demo.test.ts" }],
  "apps/releases/README.md": [ACCOUNTS],
  "apps/task-runner/README.md": [CONTAINERS],
  "docs/access.md": [{ has: "approvals", ...OWN_NAMES }, LAPTOP],
  "docs/adopting.md": [{ by: "tools/checks/e2e/adopting.test.ts" }],
  "docs/artifacts.md": [
    { has: "demo:artifacts", by: "examples/artifacts-everywhere/demo/play.int.test.ts" },
    AWS_ITSELF,
  ],
  "docs/assistant.md": [{ has: "tokens", ...LAPTOP }, OWN_NAMES],
  "docs/audit.md": [LAPTOP],
  "docs/aws-organization.md": [{ has: "create-stack-set", ...AWS_ITSELF }, ACCOUNTS],
  "docs/aws.md": [
    { has: "gpg --verify", ...AWS_ITSELF },
    { has: "sha256sum", ...AWS_ITSELF },
    { has: "stackyard apps", ...ACCOUNTS },
    AWS_ITSELF,
  ],
  "docs/cli.md": [{ not: "has examples of every command, with names of a yard in use" }],
  "docs/code-hosts.md": [{ has: "hosts setup", ...OWN_NAMES }, ACCOUNTS],
  "docs/commands.md": [{ by: "packages/cli/src/commands/commands-page.int.test.ts" }],
  "docs/containers.md": [CONTAINERS],
  "docs/deployment.md": [
    { has: "scp -r", ...SYSTEM },
    { has: "apt-get", ...SYSTEM },
    { by: "tools/package/e2e/team-page.test.ts" },
  ],
  "docs/development.md": [CLONE],
  "docs/ecs.md": [{ by: "packages/executor-ecs/src/commands/ecs-commands.int.test.ts" }],
  "docs/events.md": [OWN_NAMES],
  "docs/fleet.md": [FLEET],
  "docs/getting-started.md": [{ by: "tools/checks/e2e/getting-started.test.ts" }],
  "docs/installation.md": [{ has: "alias stackyard", ...CLONE }, { has: "package:npm", ...CLONE }, BUNDLE],
  "docs/leak-checks.md": [OWN_NAMES],
  "docs/leaving.md": [
    { has: "npm uninstall", by: "tools/package/e2e/one-file.test.ts" },
    { has: "systemctl disable", by: "tools/package/e2e/team-page.test.ts" },
    { by: "tools/checks/e2e/leaving.test.ts" },
  ],
  "docs/machines-v1.md": [{ by: "tools/checks/e2e/printed-commands.test.ts" }],
  "docs/machines.md": [{ by: "tools/checks/e2e/printed-commands.test.ts" }],
  "docs/operations.md": [{ has: "backup yard-", ...LAPTOP }, { has: "stackyard ps", ...LAPTOP }, OWN_NAMES],
  "docs/performance.md": [LONG],
  "docs/plugins.md": [{ has: "STACKYARD=", ...OTHER_REGISTRY }, { by: "examples/plugin-delay/e2e/tutorial.test.ts" }],
  "docs/previews.md": [
    { has: "demo:previews", by: "examples/previews/e2e/demo.test.ts" },
    { by: "tools/checks/e2e/previews-page.test.ts" },
  ],
  "docs/promotion.md": [
    { has: "shop-1.0.0", ...LAPTOP },
    { has: "stackyard board", ...LAPTOP },
    { has: "stackyard init", not: "creates and starts the yard in which the other blocks are played" },
    OWN_NAMES,
  ],
  "docs/releases.md": [RELEASES],
  "docs/sign-in.md": [{ has: "oidc-provider", ...OTHER_REGISTRY }, { has: "issuer.mjs", ...OTHER_REGISTRY }, OWN_NAMES],
  "docs/state-backend.md": [{ has: "states restore", ...OWN_NAMES }, LAPTOP],
  "docs/support.md": [{ not: "names the proxy of the reader's network: packages/cli/src/proxy.test.ts" }],
  "docs/templates.md": [LAPTOP],
  "docs/testing.md": [LONG],
  "docs/troubleshooting.md": [LAPTOP],
  "docs/yard-reference.md": [OWN_NAMES],
  "examples/approval-gate/README.md": [{ has: "npm start", by: "examples/approval-gate/e2e/start.test.ts" }, OWN_NAMES],
  "examples/artifacts-everywhere/README.md": [{ by: "examples/artifacts-everywhere/demo/play.int.test.ts" }],
  "examples/deploy-test/README.md": [{ has: "npm run", by: "examples/deploy-test/e2e/demo.test.ts" }, OWN_NAMES],
  "examples/fleet-of-1000/README.md": [{ by: "examples/fleet-of-1000/e2e/demo.test.ts" }],
  "examples/migrate-before-release/README.md": [
    { has: "npm start", by: "examples/migrate-before-release/e2e/start.test.ts" },
    OWN_NAMES,
  ],
  "examples/own-runner/README.md": [CLONE],
  "examples/previews/README.md": [{ by: "examples/previews/e2e/demo.test.ts" }],
  "examples/promotion/README.md": [{ by: "examples/promotion/e2e/demo.test.ts" }],
  "examples/review-app/README.md": [{ not: "has the steps of docs/getting-started.md, whose test plays them" }],
  "examples/version-1/README.md": [{ by: "examples/version-1/e2e/version-1.test.ts" }],
  "packages/cli/README.md": [
    { has: "stackyard init", not: "has the first steps of docs/getting-started.md, whose test plays them" },
    LAPTOP,
  ],
  "packages/console/README.md": [{ not: "starts the yard that docs/getting-started.md plays" }],
  "packages/deployment/README.md": [{ has: "tgz", ...BUNDLE }, ACCOUNTS],
  "packages/executor-command/README.md": [{ by: "packages/executor-command/src/readme.int.test.ts" }],
  "packages/executor-lambda/README.md": [{ by: "packages/executor-lambda/src/readme.int.test.ts" }],
  "packages/hosts/README.md": [{ by: "packages/hosts/src/readme.int.test.ts" }],
  "packages/notifications/README.md": [{ by: "packages/notifications/src/notify-test.int.test.ts" }],
  "packages/server/README.md": [LAPTOP],
  "packages/store-postgres/README.md": [OWN_NAMES],
  "packages/telemetry/README.md": [OTHER_REGISTRY],
};
