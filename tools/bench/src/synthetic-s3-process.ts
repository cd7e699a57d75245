// The S3 of copies in a process of its own: what is measured has a processor to itself, and its memory is its own.
import { createSyntheticS3, type SyntheticS3Options } from "./artifacts/synthetic-s3.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

serveCalls({
  async start(options: SyntheticS3Options): Promise<string> {
    const server = createSyntheticS3(options);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  },
});
