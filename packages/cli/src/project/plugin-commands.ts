import { isStackyardError, type PluginCommand, type PluginCommandContext } from "@stackyard/core";
import { type TObject, Type } from "typebox";
import { findServer, serverArgs } from "../client/find-server.ts";
import { type Command, createCommand } from "../command.ts";
import { failWith } from "../shell/failure.ts";
import { type ConfigFile, loadConfigFile } from "./config-file.ts";
import { loadPlugins } from "./load-plugins.ts";

/**
 * The commands that the plugins of the project bring. `quiet`: a configuration that does not load gives none, as for
 * help; else it throws `CONFIG_INVALID`.
 */
export async function findPluginCommands(
  { cwd }: { readonly cwd: string },
  { quiet }: { readonly quiet: boolean },
): Promise<readonly Command[]> {
  try {
    const file = await loadConfigFile(cwd);
    const { plugins, faults, cause } = await loadPlugins(file.config.plugins ?? [], file.projectDir);
    if (faults.length > 0) throw failWith("CONFIG_INVALID", faults.join("\n"), { cause });
    return plugins.flatMap(({ plugin }) => plugin.commands.map((command) => toCommand(command, plugin.name, file)));
  } catch (error) {
    if (quiet) return [];
    throw error;
  }
}

function toCommand(command: PluginCommand, plugin: string, file: ConfigFile): Command {
  if (!/^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*){0,2}$/.test(command.name)) {
    throw failWith("PLUGIN_INVALID", `The plugin "${plugin}" has a command "${command.name}": use one to three words.`);
  }
  const own = toObjectSchema(command, plugin);
  const required = own.required ?? [];
  const facts = {
    name: command.name,
    summary: command.summary,
    description: `From the plugin "${plugin}".`,
    examples: [],
    args: Type.Object({ ...own.properties, ...serverArgs }),
    positionals: required.filter((name: string) => isString(own.properties[name])),
  };
  return createCommand(facts, async ({ out, cwd, env, signal }, { url, token, project, ...rest }) => {
    // Not every command talks to the server: that none runs is told when it asks for one.
    const found = await Promise.allSettled([findServer({ cwd, env }, pickStrings({ url, token, project }))]);
    const context: PluginCommandContext = {
      out,
      projectDir: file.projectDir,
      signal,
      get server() {
        if (found[0].status === "rejected") throw found[0].reason;
        return found[0].value;
      },
    };
    try {
      return await command.run(context, rest);
    } catch (error) {
      if (isStackyardError(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const hint = "Tell the plugin's author; STACKYARD_DEBUG=1 shows where it comes from.";
      throw failWith("PLUGIN_INVALID", `The command "${command.name}" of the plugin "${plugin}" failed: ${why}`, {
        cause: error,
        hint,
      });
    }
  });
}

function toObjectSchema(command: PluginCommand, plugin: string): TObject {
  const { args } = command;
  if ("type" in args && args.type === "object" && "properties" in args) return args as TObject;
  throw failWith("PLUGIN_INVALID", `The command "${command.name}" of "${plugin}" needs an object schema in "args".`);
}

function isString(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "type" in schema && schema.type === "string";
}

function pickStrings(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
