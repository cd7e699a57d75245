import { defineConfig } from "stackyard";

export default defineConfig({
  machines: "machines",
  dataDir: ".stackyard",
  executors: {
    lambda: {
      // Functions by the name that tasks use, run on this machine. Nothing is called in AWS in this mode.
      functions: { database: "./functions/database.mjs" },
      mode: "local",
    },
  },
  // When this process dies, its tasks are taken up again after so long.
  worker: { lease: "5s" },
});
