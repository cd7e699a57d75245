import {
  defined,
  isStackyardError,
  listPositionals,
  type PluginCommand,
  type PluginCommandContext,
} from "@stackyard/core";
import type { TObject } from "typebox";
import type { CliCommand, CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { type GivenServer, openServer, pickTexts, serverArgs, withServerAddress } from "../server/connection.ts";
import { type ConfigFile, dataDirOf, loadConfigFile } from "./config.ts";
import { createMachineSource, loadPlugins } from "./executors.ts";

/**
 * Returns the commands of the project's plugins. If the configuration does not load, returns none when `quiet` (as for
 * help), else throws `CONFIG_INVALID`.
 */
export async function findPluginCommands(
  { cwd }: { readonly cwd: string },
  { quiet }: { readonly quiet: boolean },
): Promise<readonly CliCommand[]> {
  try {
    const file = await loadConfigFile(cwd);
    const { plugins, faults, cause } = await loadPlugins(file.config.plugins ?? [], file.projectDir);
    if (faults.length > 0) throw failWith("CONFIG_INVALID", faults.join("\n"), { cause });
    return plugins.flatMap(({ plugin }) => plugin.commands.map((command) => toCliCommand(command, plugin.name, file)));
  } catch (error) {
    if (quiet) return [];
    throw error;
  }
}

/** Returns true for a plugin's command that is also one of ours, or a group of ours, or is under one of our commands. */
export function isHidden(name: string, ours: readonly string[]): boolean {
  return ours.some((own) => `${own} `.startsWith(`${name} `) || name.startsWith(`${own} `));
}

/** Returns the command with the arguments that select a server, for the context that it needs. */
function toCliCommand(command: PluginCommand, plugin: string, file: ConfigFile): CliCommand {
  if (!/^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*){0,2}$/.test(command.name)) {
    const message = `The plugin "${plugin}" has an invalid command name "${command.name}". Use one to three words.`;
    throw failWith("PLUGIN_INVALID", message);
  }
  const own = parseArgs(command, plugin);
  return {
    ...command,
    description: [command.description, `From the plugin "${plugin}".`].filter(Boolean).join("\n\n"),
    args: { ...own, properties: { ...serverArgs, ...own.properties } },
    positionals: listPositionals(command),
    async run({ out, cwd, env, signal }, args) {
      const { own: rest, server: given } = partArgs(args, own);
      // Not every command needs the server: a missing one is an error only when the command reads `server`.
      const found = await Promise.allSettled([openPlainServer({ cwd, env, out }, given)]);
      const context: PluginCommandContext = {
        out,
        cwd,
        projectDir: file.projectDir,
        dataDir: dataDirOf(file),
        environment: env,
        machines: createMachineSource({ env }, file),
        yards: file.config.yards ?? {},
        ...defined({ accounts: file.config.accounts }),
        signal,
        get server() {
          if (found[0].status === "rejected") throw found[0].reason;
          return found[0].value.plain;
        },
      };
      try {
        return await command.run(context, rest);
      } catch (error) {
        throw toOwnError(error, { command: command.name, plugin });
      } finally {
        if (found[0].status === "fulfilled") await found[0].value.close();
      }
    },
  };
}

interface Failing {
  readonly command: string;
  readonly plugin: string;
}

function toOwnError(error: unknown, { command, plugin }: Failing): unknown {
  if (isStackyardError(error)) return withServerAddress(error);
  const why = error instanceof Error ? error.message : String(error);
  const hint = "Report it to the plugin's author. STACKYARD_DEBUG=1 prints the stack trace.";
  const message = `The command "${command}" of the plugin "${plugin}" failed: ${why}`;
  return failWith("PLUGIN_INVALID", message, { cause: error, hint });
}

/** Plugins are given a token, not where it comes from. */
async function openPlainServer(context: Pick<CommandContext, "cwd" | "env" | "out">, given: GivenServer) {
  const { url, token: found, close } = await openServer(context, given);
  const findToken = async () => (typeof found === "function" ? found() : found);
  try {
    const token = await findToken();
    return { plain: { url, ...defined({ token }) }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Returns the schema of the arguments. Throws `PLUGIN_INVALID`: a plugin in plain JavaScript may have anything. */
function parseArgs({ name, args, examples }: PluginCommand, plugin: string): TObject {
  if (Array.isArray(examples)) {
    const message = `"examples" of the command "${name}" of "${plugin}" must be a map of command lines and what they do.`;
    throw failWith("PLUGIN_INVALID", message);
  }
  if ("type" in args && args.type === "object" && "properties" in args) return args;
  throw failWith("PLUGIN_INVALID", `The command "${name}" of "${plugin}" needs an object schema in "args".`);
}

/** Separates a command's own arguments from the server's. The command's own win when names are equal. */
function partArgs(args: Readonly<Record<string, unknown>>, { properties }: TObject) {
  const isOwn = ([name]: [string, unknown]): boolean => Object.hasOwn(properties, name);
  const entries = Object.entries(args);
  const server = Object.fromEntries(entries.filter((entry) => !isOwn(entry)));
  return { own: Object.fromEntries(entries.filter(isOwn)), server: pickTexts(server) };
}
