/** Descriptions of command groups. */
export const GROUPS: Readonly<Record<string, string>> = {
  stacks: "Inspect and operate stacks.",
  attempts: "List what runs or waits to run.",
  previews:
    "List stacks of pull requests, extend them, put them to sleep, wake or end them, and find what remains of them.",
  approvals: "List what waits for an approval, and approve or reject it.",
  bulk: "Do the same to many stacks or dead letters, and follow it.",
  events: "List dead-lettered events and send them again.",
  machines: "Inspect the machines of a server, and upgrade machine files.",
  sessions: "List logins and end them.",
  tokens: "Create API tokens, list, rotate and revoke them.",
  task: "Try a task by hand.",
  // Commands of Stackyard's plugins.
  apps: "Publish and deploy what runs on AWS.",
  artifacts: "Publish build artifacts for every account and region, and show where they have arrived.",
  consumers: "List consumers of artifacts and the status of each artifact there.",
  fleet: "Run commands on fleets of EC2 instances, and show the results.",
  ecs: "Run tasks on Amazon ECS, and read what they log.",
  hooks: "List deliveries of code hosts, and try mapping documents.",
  hosts: "Set up code hosts.",
  notify: "Try rules and channels of notifications.",
  queue: "List what waits or failed in the queues of services, and repeat it.",
  prices: "Look up the prices of estimates.",
  setup: "Register the yard at a code host.",
  asg: "Release services on Auto Scaling groups, and follow, halt or roll back an ASG release.",
};
