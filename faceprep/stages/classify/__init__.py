"""Train expression classifiers with and without synthetic faces and test them."""
