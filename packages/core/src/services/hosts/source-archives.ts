import { defineService, type ProvidedService, provideService, type ServiceKey } from "../../ports/executor.ts";

/** A commit of a repository at a code host. */
export interface SourceCommit {
  /** The name of the host in the project's configuration. */
  readonly host: string;
  /** Such as `acme/shop`. */
  readonly repository: string;
  /** 40 hexadecimal digits. */
  readonly commit: string;
}

/** The files of repositories at code hosts. */
export interface SourceArchives {
  /**
   * Returns the files of a commit as a tar archive, compressed with gzip, in one folder; undefined when the commit does
   * not exist, or may not be read. Throws `CONFIG_INVALID` for a host that is unknown, or cannot be read from.
   */
  open(commit: SourceCommit, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** The service by which executors read the files of repositories. */
export const SOURCE_ARCHIVES: ServiceKey<SourceArchives> = defineService<SourceArchives>("source-archives");

/** Returns the service for a worker. */
export function provideSourceArchives(archives: SourceArchives): ProvidedService {
  return provideService(SOURCE_ARCHIVES, () => archives);
}
