import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Files } from "./zip.ts";

/** The folder of the demo's repository. */
export const REPOSITORY = join(import.meta.dirname, "../repository");

/** Returns all files of a folder, by path below it. */
export function readRepository(folder: string = REPOSITORY): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}

/** Returns the same repository after a commit that breaks the role `webserver`. */
export function breakWebserver(files: Files): Files {
  const path = "ansible/roles/webserver/tasks/main.yml";
  const task =
    "- name: Check the configuration\n  ansible.builtin.fail: { msg: \"nginx: unexpected '}' in nginx.conf:14\" }\n";
  return { ...files, [path]: `${files[path] ?? ""}\n${task}` };
}
