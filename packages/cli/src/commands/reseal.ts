import { defineCommand } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { resealStore } from "@stackyard/core/services";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { loadConfigFile, projectArg } from "../project/config.ts";
import { chooseSharedStore } from "../project/store.ts";
import { openForReseal } from "../yard/open-sealed-store.ts";
import { createOwnAwsAccess } from "../yard/own-aws-access.ts";
import { createProcessLogger } from "../yard/process-logger.ts";

/** `stackyard reseal` */
export const reseal = defineCommand({
  name: "reseal",
  summary: "Seal the sensitive values of all stacks with the newest seal key.",
  description:
    "After a new key was put before the old one in STACKYARD_SEAL_KEY and all processes were restarted, or after the first key was configured for a yard with plain values. Seals stacks and parked events; dead letters, running attempts, saved plans and bulk operations keep their key until they are over. Servers and workers may run, except over the embedded store. May be repeated.",
  examples: { "stackyard reseal": "Then remove the old key, 30 days later." },
  args: Type.Object(projectArg),
  async run(context: CommandContext, { project }) {
    const { cwd, env, out } = context;
    const file = await loadConfigFile(cwd, project);
    const logger = createProcessLogger(context);
    const createAws = (region: string) => createOwnAwsAccess({ clock: systemClock, logger }, region);
    const input = { projectDir: file.projectDir, env, logger, createAws };
    const { store, sealer } = await openForReseal(chooseSharedStore(file, env), input);
    try {
      if (sealer === undefined) {
        throw failWith("CONFIG_INVALID", "No seal key is configured.", {
          hint: "Set STACKYARD_SEAL_KEY, STACKYARD_SEAL_KEY_FILE or STACKYARD_SEAL_KMS_KEY.",
        });
      }
      const { keyId } = sealer;
      const report = await resealStore({ store, sealer, now: systemClock.now() });
      out.result({ ...report, keyId }, () => formatReport(report.resealed, keyId));
      for (const { id, reason } of report.unreadable) out.note(`error ${id}: ${reason}`);
      if (report.olderDeadLetters > 0) {
        out.note(
          `${report.olderDeadLetters} dead letters have an older key, or none. Keep the old keys until they expire, or dismiss them.`,
        );
      }
      return report.unreadable.length === 0 ? 0 : 1;
    } finally {
      await store.close();
    }
  },
});

function formatReport(resealed: number, keyId: string): string {
  if (resealed === 0) return `All sensitive values of stacks are sealed with the key ${keyId} already.`;
  return `Sealed the sensitive values of ${resealed} ${resealed === 1 ? "stack" : "stacks"} with the key ${keyId}.`;
}
