import { CREDENTIALS } from "../aws/emulators.ts";
import { type Child, startChild } from "../aws/start-child.ts";
import { CERTIFICATE } from "./copy-certificate.ts";
import { placeCopyCode } from "./copy-code.ts";
import type { CopyOrder } from "./copy-ways.ts";
import { CONFIG, CONSUMER, DISTRIBUTOR } from "./message-place.ts";

/** The function of the consumer's template in a process of its own. */
export interface CopyFunction {
  /** MB that were resident at most when it was loaded. */
  readonly baseMb: number;
  copy(message: CopyOrder["message"]): Promise<CopyReport>;
  end(): Promise<void>;
}

/** What a copy took. */
export interface CopyReport {
  readonly seconds: number;
  /** MB that were resident at most, since the process began. */
  readonly peakMb: number;
}

/** How it reads, and where all its connections lead. */
export interface CopyFunctionInput {
  readonly transfer: "presigned" | "identity";
  /** On loopback, by TLS. */
  readonly port: number;
}

type FunctionChild = Child<{
  readonly ready: (input: null) => Promise<Pick<CopyReport, "peakMb">>;
  readonly copy: (event: unknown) => Promise<CopyReport>;
}>;

/** Starts it with the environment that the template gives it, and no flags. */
export async function startCopyFunction({ transfer, port }: CopyFunctionInput): Promise<CopyFunction> {
  const code = await placeCopyCode();
  const child: FunctionChild = startChild(
    "copy-function-process.mjs",
    [code.bundle, `${port}`, CERTIFICATE],
    toEnvironment(transfer),
  );
  const { peakMb: baseMb } = await child.call("ready", null);
  return {
    baseMb,
    copy: (message) => child.call("copy", { Records: [{ messageId: "m-1", body: JSON.stringify(message) }] }),
    async end() {
      await child.end();
      await code.remove();
    },
  };
}

function toEnvironment(transfer: string): Readonly<Record<string, string>> {
  return {
    CONSUMER_ACCOUNT_ID: CONSUMER.account,
    CONSUMER_REGION: CONSUMER.region,
    AWS_REGION: CONSUMER.region,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    ARTIFACTS_BUCKET: CONSUMER.bucket,
    DISTRIBUTOR_BUCKET: DISTRIBUTOR.bucket,
    DISTRIBUTION_TOPIC: CONFIG.topicArn,
    TRANSFER: transfer,
  };
}
