import { defineConfig } from "vite";

// One entry a kind of page, one for other people's pages, and a worker; the day board is its own, so that the other pages of the
// desk stay small. The server adds the compressed forms, and the names that browsers may keep for ever come from the hash
// of the content.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "../src/holdfast/web/dist",
    emptyOutDir: true,
    manifest: true,
    modulePreload: false,
    rolldownOptions: {
      input: {
        board: "src/board.ts",
        booking: "src/booking.ts",
        calendar: "src/calendar.css",
        desk: "src/desk.ts",
        embed: "src/embed.ts",
        manage: "src/manage.ts",
        prove: "src/prove.ts",
        session: "src/session-only.ts",
      },
      output: {
        entryFileNames: "[name]-[hash].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
});
