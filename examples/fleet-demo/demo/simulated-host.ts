import type { Outcome } from "@stackyard/aws-sim";
import { parse } from "yaml";
import type { Files } from "./zip.ts";

/** The parts of a play that the simulated Ansible reads. */
interface Play {
  readonly hosts: string;
  readonly roles: readonly string[];
}

/** A task of a role. */
interface Task {
  readonly name: string;
  readonly "ansible.builtin.fail"?: { readonly msg: string };
}

/** A playbook takes a while. */
const SECONDS_PER_TASK = 4;

/**
 * Simulates `ansible-playbook` on an instance with those roles: it runs the plays for the instance, and ends at the
 * first task that fails. Changes nothing.
 */
export function playOn(files: Files, tag: string): Outcome {
  const groups = tag.replaceAll(/\s/g, "").split(",").filter(Boolean);
  const plays: readonly Play[] = parse(files["ansible/playbook.yml"] ?? "[]");
  const applying = groups.length === 0 ? [] : plays.filter(({ hosts }) => hosts === "all" || groups.includes(hosts));
  const roles = applying.flatMap((play) => play.roles);
  const tasks = roles.flatMap((role) => listTasks(files, role).map((task) => ({ role, task })));
  const broken = tasks.findIndex(({ task }) => task["ansible.builtin.fail"] !== undefined);
  const done = broken < 0 ? tasks : tasks.slice(0, broken);
  const lines = done.map(({ role, task }) => `TASK [${role} : ${task.name}] changed: [localhost]`);
  const failure = tasks[broken];
  const recap = `PLAY RECAP localhost : ok=${done.length} changed=${done.length} failed=${failure === undefined ? 0 : 1}`;
  return {
    runsForMs: 1_000 * SECONDS_PER_TASK * (done.length + 1),
    stdout: `${[...lines, recap].join("\n")}\n`,
    ...(failure === undefined ? {} : { exitCode: 2, stderr: toError(failure) }),
  };
}

function listTasks(files: Files, role: string): readonly Task[] {
  return parse(files[`ansible/roles/${role}/tasks/main.yml`] ?? "[]");
}

function toError({ role, task }: { readonly role: string; readonly task: Task }): string {
  return `fatal: [localhost]: FAILED! => [${role} : ${task.name}] ${task["ansible.builtin.fail"]?.msg ?? ""}\n`;
}
