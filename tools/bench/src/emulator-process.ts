// SQS, S3 and DynamoDB in a process of their own, so that what is measured has a processor to itself.
import dynalite from "dynalite";
import { buildApp } from "fauxqs";
import type { EmulatorAddresses } from "./aws/emulators.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

const app = buildApp({ logger: false, defaultRegion: "us-east-1" });
const tables = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });

serveCalls({
  async start(): Promise<EmulatorAddresses> {
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    await new Promise<void>((resolve) => tables.listen(0, "127.0.0.1", resolve));
    const address = tables.address();
    return { url, dynamodbUrl: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}` };
  },
});
