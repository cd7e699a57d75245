import { offerOwnPackages } from "./own-packages.ts";
import { importFromProject } from "./project-module.ts";

/**
 * Loads a package of ours that need not be there: as the project has installed it, else as it stands beside this one, where
 * both were installed for the whole machine. Throws what the look in the project has thrown.
 */
export async function importOwn(use: string, projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  offerOwnPackages();
  try {
    return await importFromProject(use, projectDir);
  } catch (error) {
    const beside = await importBeside(use);
    if (beside === undefined) throw error;
    return beside;
  }
}

async function importBeside(use: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const module: unknown = await import(/* @vite-ignore */ use);
    return module as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
