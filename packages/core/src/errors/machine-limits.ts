/** Limits of a machine that no program can lift, by Node's code, with what to do about them. */
const MACHINE_LIMITS: Readonly<Record<string, string>> = {
  EROFS: "The file system is read-only; choose another folder.",
  ENOSPC: "The disk is full; make room.",
  EDQUOT: "The quota of the disk is used up; make room.",
  EMFILE: "Too many files are open; raise the limit (ulimit -n, LimitNOFILE of systemd).",
  ENFILE: "The system has too many open files; raise fs.file-max.",
};

/** Returns what to do about an error that a limit of the machine has caused; undefined for other errors. */
export function findMachineLimit(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && Object.hasOwn(MACHINE_LIMITS, code) ? MACHINE_LIMITS[code] : undefined;
}
