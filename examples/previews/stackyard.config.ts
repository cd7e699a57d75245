import { defined } from "@stackyard/core";
import type { HostsOptions } from "@stackyard/hosts";
import type { PreviewsOptions } from "@stackyard/previews";
import { defineConfig } from "stackyard";

export default defineConfig({
  machines: "machines",
  dataDir: ".stackyard",
  plugins: [
    {
      use: "@stackyard/hosts",
      options: {
        hosts: {
          github: {
            type: "github",
            // The demo sets these variables to its simulated GitHub.
            appId: Number(process.env["GITHUB_APP_ID"] ?? 123_456),
            key: { env: "GITHUB_APP_KEY" },
            secrets: [{ env: "GITHUB_WEBHOOK_SECRET" }],
            ...defined({ url: process.env["GITHUB_URL"] }),
          },
        },
      } satisfies HostsOptions,
    },
    // Small, to see one wait.
    { use: "@stackyard/previews", options: { quotas: { previews: 2 } } satisfies PreviewsOptions },
  ],
  executors: {
    // By this variable, Terraform finds the provider of the demo.
    terraform: { passEnvironment: ["TF_REATTACH_PROVIDERS"] },
    // Takes the place of Terraform where that is not installed.
    lambda: {
      functions: {
        preview: {
          file: "./functions/preview.mjs",
          env: defined({ PREVIEWS_FOLDER: process.env["PREVIEWS_FOLDER"] }),
        },
      },
      mode: "local",
    },
  },
  // When this process dies, another takes over its tasks after this time.
  worker: { lease: "5s" },
});
