import { Type } from "typebox";
import { defineCommand } from "../command.ts";
import { chooseSharedStore, findStoreVariable, type StoreChoice } from "../project/choose-store.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { openStore } from "../project/open-store.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard migrate` */
export const migrate = defineCommand({
  name: "migrate",
  summary: "Bring the project's store up to date with this version, and do nothing else.",
  description:
    "A server or worker does it by itself when it starts, unless the store's option `migrate` is false. As a step of its own it comes first in a rolling upgrade, and may use an account that may change tables. Processes of the version before go on meanwhile.",
  examples: [{ command: "stackyard migrate", what: "Before the first server of a new version." }],
  args: Type.Object({ ...projectArg }),
  async run({ cwd, env, out }, { project }) {
    const file = await loadConfigFile(cwd, project);
    const choice = withoutOwnWord(chooseSharedStore(file, env));
    const logger = createProcessLogger({ out, env });
    const store = await openStore(choice, { projectDir: file.projectDir, env, logger });
    await store.close();
    const name = choice.kind === "sqlite" ? choice.folder : choice.name;
    const variable = findStoreVariable(file, env);
    const namedBy = variable === undefined ? {} : { namedBy: variable };
    out.result({ store: name, ...namedBy, migrated: true }, () => {
      return `The store ${name}${variable === undefined ? "" : ` of ${variable}`} is up to date.`;
    });
    return 0;
  },
});

/** `migrate: false` in the configuration is for the processes that only work. */
function withoutOwnWord(choice: StoreChoice): StoreChoice {
  if (choice.kind === "sqlite") return choice;
  const { migrate: _, ...options } = choice.options;
  return { ...choice, options };
}
