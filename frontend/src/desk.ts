// What every page of the desk does: buttons that show work, the panel, booking, the palette and its keys.
import { startBooking } from "./book";
import { workingButtons } from "./forms";
import { startPanel } from "./panel";
import { startShortcuts } from "./shortcuts";

workingButtons(document);
startPanel();
startBooking();
startShortcuts();
