// What every page of the desk does: buttons that show work, the panel, booking, the palette and its keys.
import { startBooking } from "./book";
import { workingButtons } from "./forms";
import { startPanel } from "./panel";
import { startSession } from "./session";
import { startShortcuts } from "./shortcuts";

startSession();
workingButtons(document);
startPanel();
startBooking();
startShortcuts();
