"""What can be booked: locations, resources and their units, pools, services and what each visit requires."""
