/** The machines of the yard whose screens are taken, by name. Each task runs the executor `script`, except gates and people. */
export const MACHINES: Readonly<Record<string, string>> = {
  "review-app": `
version: 2
description: An environment for each pull request.
events: { OPENED: {}, PUSHED: {}, SLEPT: {}, WOKEN: {}, MERGED: {} }
metadata:
  sha: { type: string, description: The commit that is rolled out }
  url: { type: string, description: Where the app answers }
  team: { type: string }
  monthly_cost: { type: number }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD:
    tasks: [network, database]
    timeout: 30m
    on: { NEXT: ROLL-OUT, MERGED: CLEAN-UP }
  ROLL-OUT:
    tasks: [migrate, app, smoke]
    timeout: 45m
    on: { NEXT: LIVE, MERGED: CLEAN-UP }
  LIVE:
    after: [{ in: 72h, event: MERGED }]
    on: { PUSHED: ROLL-OUT, SLEPT: ASLEEP, MERGED: CLEAN-UP }
  ASLEEP: { on: { WOKEN: LIVE, MERGED: CLEAN-UP } }
  CLEAN-UP: { terminal: true, tasks: [app-off] }
tasks:
  network: { executor: script, config: {}, timeout: 20m }
  database: { executor: script, config: {}, timeout: 3h }
  migrate: { executor: script, retry: { attempts: 3, backoff: { from: 1m, to: 2m } }, config: {}, timeout: 20m }
  app: { executor: script, needs: [migrate], config: {}, timeout: 40m }
  smoke: { executor: script, needs: [app], config: {}, timeout: 20m }
  app-off: { executor: script, config: {} }
`,
  service: `
version: 2
description: A service with its staging and its production.
events: { RELEASED: { metadata: [version] }, RETRIED: {}, SLEPT: {}, WOKEN: {} }
metadata: { version: { type: string }, team: { type: string }, url: { type: string }, monthly_cost: { type: number } }
states:
  INIT: { on: { RELEASED: DEPLOY } }
  DEPLOY:
    tasks: [deploy, smoke]
    timeout: 15m
    on: { NEXT: HEALTHY, FAILED: DEGRADED }
  HEALTHY: { on: { RELEASED: DEPLOY, SLEPT: ASLEEP } }
  DEGRADED: { on: { RELEASED: DEPLOY, RETRIED: DEPLOY } }
  ASLEEP: { on: { WOKEN: HEALTHY } }
tasks:
  deploy: { executor: script, config: {}, timeout: 10m }
  smoke: { executor: script, needs: [deploy], config: {}, timeout: 10m }
`,
  tenant: `
version: 2
description: One customer's environment.
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, ring: { type: string }, team: { type: string }, monthly_cost: { type: number } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { RELEASED: ROLL-OUT } }
  ROLL-OUT: { tasks: [app, smoke], timeout: 8h, on: { NEXT: LIVE, FAILED: BROKEN } }
  BROKEN: { on: { RELEASED: ROLL-OUT } }
tasks:
  app: { executor: script, config: {}, timeout: 6h }
  smoke: { executor: script, needs: [app], config: {}, timeout: 10m }
`,
  "shop-release": `
version: 2
description: A release of the shop, from staging to all tenants.
events: { RELEASED: { metadata: [api] }, ROLLBACK: {} }
metadata: { api: { type: string }, adds: { type: number }, changes: { type: number }, destroys: { type: number } }
states:
  INIT: { on: { RELEASED: STAGING } }
  STAGING: { tasks: [staging], on: { NEXT: REVIEW } }
  REVIEW: { tasks: [plan, sign-off], on: { NEXT: PRODUCTION } }
  PRODUCTION: { tasks: [tenants], on: { NEXT: DONE, ROLLBACK: DONE } }
  DONE: { on: { ROLLBACK: PRODUCTION } }
tasks:
  staging:
    executor: deploy
    config: { stacks: shop-staging, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], failed: [BROKEN] }
  plan: { executor: script, config: {} }
  sign-off: { executor: approval, needs: [plan], config: { from: [release-managers], own: true } }
  tenants:
    executor: deploy
    timeout: 12h
    config:
      stacks: { machine: tenant, where: "metadata.ring != 'staging'" }
      event: RELEASED
      metadata: { api: "\${metadata.api}" }
      until: [LIVE]
      failed: [BROKEN]
      concurrency: 4
      each: 6h
      maxFailures: 4
      waves:
        - { name: canary, where: "metadata.ring == 'canary'" }
        - { name: tenth, share: 10% }
        - { name: rest }
`,
};
